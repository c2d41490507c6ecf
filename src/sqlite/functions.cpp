#include "sqlite/functions.hpp"

#include <sqlite3.h>

namespace deltadrop::sqlite {
namespace {

std::string_view text_of(sqlite3_value* value) {
  // Call sqlite3_value_text before sqlite3_value_bytes: the conversion to text determines the size.
  const unsigned char* text = sqlite3_value_text(value);
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void compare(sqlite3_context* context, int, sqlite3_value** arguments) {
  for (int i = 0; i < 2; ++i) {
    if (sqlite3_value_type(arguments[i]) == SQLITE_NULL) return sqlite3_result_null(context);
  }
  const auto comparison = *static_cast<TextComparison*>(sqlite3_user_data(context));
  sqlite3_result_int(context, comparison(text_of(arguments[0]), text_of(arguments[1])) ? 1 : 0);
}

void destroy(void* comparison) { delete static_cast<TextComparison*>(comparison); }

}  // namespace

Result<void> define_comparison(Database& database, const std::string& name, TextComparison comparison) {
  // SQLite now owns the pointer. It destroys the comparison even if the call fails.
  const int code = sqlite3_create_function_v2(
      database.handle(), name.c_str(), 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
      static_cast<void*>(new TextComparison(comparison)), compare, nullptr, nullptr, destroy);
  if (code == SQLITE_OK) return success();
  return Error{ErrorCode::internal, "sqlite", "SQLite cannot define the function " + name, ""};
}

}  // namespace deltadrop::sqlite
