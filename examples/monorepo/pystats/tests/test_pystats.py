import pathlib
import unittest

from pystats import describe

SAMPLE = pathlib.Path(__file__).parents[2] / "data" / "out" / "sample.txt"


class DescribeTest(unittest.TestCase):
    def test_two_numbers(self):
        self.assertEqual(describe([1, 3])["mean"], 2.0)

    def test_the_sample(self):
        numbers = [float(line) for line in SAMPLE.read_text().splitlines()]
        self.assertEqual(
            describe(numbers), {"count": 20, "mean": 10.5, "variance": 33.25, "square": 400}
        )


if __name__ == "__main__":
    unittest.main()
