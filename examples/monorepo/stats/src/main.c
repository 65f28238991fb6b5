#include "stats.h"

#include <stdio.h>

int main(void)
{
    double values[1024], value;
    size_t count = 0;
    while (count < 1024 && scanf("%lf", &value) == 1)
        values[count++] = value;
    printf("count %zu\n", count);
    printf("mean %.1f\n", stats_mean(values, count));
    printf("variance %.2f\n", stats_variance(values, count));
    printf("square %u\n", stats_square((unsigned)count));
    return count == 0;
}
