#pragma once

#include <string>

namespace deltadrop {

/// Measures how fast a consumer stores one upload of `rows` inserts from a log in memory in PostgreSQL, and
/// in the same rounds how fast plain SQL (COPY, then INSERT ... SELECT) stores the same rows in the same
/// tables. Prints one figure per line: name, value, unit. Each uses its own schema, which is dropped before
/// and after.
void bench_postgres(const std::string& url, int rows);

}  // namespace deltadrop
