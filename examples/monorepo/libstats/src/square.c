#include "squares.h"
#include "stats.h"

unsigned stats_square(unsigned n)
{
    return n < SQUARES_COUNT ? squares[n] : n * n;
}
