#pragma once

#include <string>

namespace deltadrop {

/// How fast a consumer brings one upload of `rows` inserts from a log in memory into PostgreSQL, and beside
/// it, in the same rounds, how fast plain SQL (COPY, then INSERT ... SELECT) brings the same rows into the
/// same tables. Figures go to standard output, one a line: name, value, unit. Both work in schemas of their
/// own, which are dropped before and after.
void bench_postgres(const std::string& url, int rows);

}  // namespace deltadrop
