#include "lake/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "core/text.hpp"
#include "io/sha256.hpp"

namespace deltadrop::lake {
namespace {

constexpr std::size_t kHashDigits = 8;
constexpr std::size_t kPostgresNameMax = 63;  // bytes; PostgreSQL cuts what is longer without a word
// PostgreSQL's SELECT takes 1,664 columns, SQLite's 2,000.
constexpr std::size_t kPostgresColumnsMax = 1'600;
constexpr std::size_t kSqliteColumnsMax = 1'990;

std::string_view type_name(const history::LakeColumn& column) { return to_string(column.type); }

/// `text` in `quote`s, those in it doubled.
std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}
std::string literal(std::string_view text) { return in_quotes(text, '\''); }

/// A name that PostgreSQL keeps whole: a longer one is cut at a character's edge and gets `~` and the first
/// digits of its SHA-256.
std::string shortened(std::string_view name) {
  if (name.size() <= kPostgresNameMax) return std::string(name);
  const std::size_t room = kPostgresNameMax - 1 - kHashDigits;
  std::size_t whole = 0;
  while (whole < room) {
    const auto length = std::max<std::size_t>(utf8_character_length(name.substr(whole)), 1);
    if (whole + length > room) break;
    whole += length;
  }
  return fmt::format("{}~{}", name.substr(0, whole), io::sha256_of(name).to_hex().substr(0, kHashDigits));
}

/// One SELECT's columns, each under a name of its own. Names that differ in case only are one name to SQLite.
class ColumnList {
 public:
  explicit ColumnList(Dialect dialect) : dialect_(dialect) {}

  /// The columns of Deltadrop's own come before those of the data, which keep their names.
  void reserve(std::span<const std::string> data_names) {
    for (const auto& name : data_names) reserved_.insert(ascii_lower(name));
  }
  void add_own(std::string_view expression, std::string name) {
    while (reserved_.contains(name)) name.insert(0, 1, '_');
    add(expression, name);
  }
  void add(std::string_view expression, const std::string& name) {
    const auto fitting = dialect_ == Dialect::postgres ? shortened(name) : name;
    auto unique = fitting;
    for (int i = 2; !taken_.insert(folded(unique)).second; ++i) unique = fmt::format("{}~{}", fitting, i);
    text_ += fmt::format("{}  {} AS {}", text_.empty() ? "" : ",\n", expression, in_quotes(unique, '"'));
  }
  [[nodiscard]] std::size_t size() const { return taken_.size(); }
  [[nodiscard]] bool full() const {
    return size() >= (dialect_ == Dialect::postgres ? kPostgresColumnsMax : kSqliteColumnsMax);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  [[nodiscard]] std::string folded(const std::string& name) const {
    return dialect_ == Dialect::postgres ? name : ascii_lower(name);
  }

  Dialect dialect_;
  std::set<std::string> reserved_;
  std::set<std::string> taken_;
  std::string text_;
};

/// A value of a PostgreSQL jsonb column with its type.
std::string postgres_value(std::string_view json, const history::LakeColumn& column) {
  auto text = fmt::format("({}->>{})", json, literal(column.name));
  const auto type = type_name(column);
  if (type == "int64") return text + "::bigint";
  if (type == "date" || type == "boolean") return fmt::format("{}::{}", text, type);
  if (type.starts_with("decimal(")) return fmt::format("{}::numeric(38,{}", text, type.substr(8));
  if (type == "timestamp") {
    // Without an offset it is UTC, whatever the session's time zone is.
    return fmt::format("({0} || CASE WHEN substr({0}, 20) ~ '[Z+-]' THEN '' ELSE 'Z' END)::timestamptz",
                       text);
  }
  return text;
}

/// SQLite's paths know no escapes: the name stands between quotes, as it stands in the JSON.
bool fits_sqlite_path(std::string_view name) {
  return std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
}

/// A value of JSON in SQLite. Its numbers beyond 64 bits are floats, so that decimals stay texts.
std::string sqlite_value(std::string_view json, const history::LakeColumn& column) {
  auto text =
      fits_sqlite_path(column.name)
          ? fmt::format("json_extract({}, {})", json, literal("$.\"" + column.name + "\""))
          : fmt::format("(SELECT j.value FROM json_each({}) j WHERE j.key = {})", json, literal(column.name));
  const auto type = type_name(column);
  if (type == "int64") return fmt::format("CAST({} AS INTEGER)", text);
  if (type == "boolean") return fmt::format("({} = 'true')", text);
  return text;
}

class Views {
 public:
  Views(Dialect dialect, const TableRef& table, std::span<const history::LakeColumn> columns)
      : dialect_(dialect), table_(table), columns_(columns) {}

  std::string all() {
    const auto states = [](ColumnList& list) {
      list.add_own("d.record_key", "record_key");
      list.add_own("d.valid_from", "valid_from");
      list.add_own("d.valid_to", "valid_to");
      list.add_own("u.version", "version");
      list.add_own("d.upload_id", "upload_id");
    };
    const auto from = fmt::format(
        "company_data d JOIN uploads u ON u.upload_id = d.upload_id\n"
        "WHERE d.company_id = {} AND d.table_name = {}",
        literal(table_.company_id), literal(table_.table_name));
    std::string sql =
        fmt::format("-- {}: {}\nBEGIN;\n", table_.to_string(), counted(columns_.size(), "column"));
    const auto current = dialect_ == Dialect::postgres ? " AND d.is_current" : " AND d.is_current = 1";
    sql += view("current", {{"d.data", ""}}, states, from + current);
    sql += view("history", {{"d.data", ""}}, states, from);
    sql +=
        view("changes", {{"e.old_values", "old_"}, {"e.new_values", "new_"}}, event_columns,
             fmt::format("cdc_events e JOIN uploads u ON u.upload_id = e.upload_id AND u.state = 'applied'\n"
                         "WHERE e.company_id = {} AND e.table_name = {}",
                         literal(table_.company_id), literal(table_.table_name)));
    return sql + "COMMIT;\n";
  }

 private:
  struct Side {
    std::string json;
    std::string prefix;
  };

  static void event_columns(ColumnList& list) {
    for (const auto* name : {"event_id", "event_type", "timestamp", "effective_at", "version", "key_value",
                             "changed_columns", "upload_id", "seq", "line"}) {
      list.add_own(fmt::format("e.{}", name), name);
    }
    list.add_own("u.applied_no", "applied_no");
  }

  template <class AddOwn>
  std::string view(const std::string& suffix, const std::vector<Side>& sides, AddOwn add_own,
                   const std::string& from) {
    ColumnList list(dialect_);
    std::vector<std::string> names;
    for (const auto& column : columns_) {
      for (const auto& side : sides) names.push_back(side.prefix + column.name);
    }
    list.reserve(names);
    add_own(list);
    std::size_t left_out = names.size();
    for (const auto& column : columns_) {
      for (const auto& side : sides) {
        if (list.full()) break;
        list.add(dialect_ == Dialect::postgres ? postgres_value(side.json, column)
                                               : sqlite_value(side.json, column),
                 side.prefix + column.name);
        --left_out;
      }
    }
    auto name = fmt::format("{}/{}", table_.to_string(), suffix);
    if (dialect_ == Dialect::postgres) name = shortened(name);
    const auto note = left_out == 0 ? ""
                                    : fmt::format("-- left out, since a SELECT takes no more: {}\n",
                                                  counted(left_out, "column"));
    return fmt::format("{0}DROP VIEW IF EXISTS {1};\nCREATE VIEW {1} AS SELECT\n{2}\nFROM {3};\n", note,
                       in_quotes(name, '"'), list.text(), from);
  }

  Dialect dialect_;
  const TableRef& table_;
  std::span<const history::LakeColumn> columns_;
};

}  // namespace

std::string views_of(Dialect dialect, const TableRef& table, std::span<const history::LakeColumn> columns) {
  return Views(dialect, table, columns).all();
}

}  // namespace deltadrop::lake
