#include "lake/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "io/sha256.hpp"
#include "lake/notations.hpp"

namespace deltadrop::lake {
namespace {

constexpr std::size_t kHashDigits = 8;
constexpr std::size_t kPostgresNameMax = 63;  // bytes; PostgreSQL silently cuts longer names
// A SELECT may have 1,664 columns in PostgreSQL and 2,000 in SQLite.
constexpr std::size_t kPostgresColumnsMax = 1'600;
constexpr std::size_t kSqliteColumnsMax = 1'990;

std::string literal(std::string_view text) { return sql_literal(text); }

/// Returns a name that PostgreSQL keeps whole. A longer name is cut between characters and gets `~` and the
/// first digits of its SHA-256.
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

/// The columns of one SELECT, each with a unique name. SQLite ignores case in names.
class ColumnList {
 public:
  explicit ColumnList(Dialect dialect) : dialect_(dialect) {}

  /// Reserves the names of the data's columns, which stay unchanged. Deltadrop's own columns come before
  /// them.
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

class Views {
 public:
  Views(Dialect dialect, const TableRef& table, std::span<const history::LakeColumn> columns,
        const DeclaredNotations& notations)
      : dialect_(dialect), table_(table), columns_(columns), notations_(notations) {}

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
    sql += view("current", {{"d.data", "", "u"}}, states, from + current);
    sql += view("history", {{"d.data", "", "u"}}, states, from);
    sql += view(
        "changes", {{"e.old_values", "old_", "p"}, {"e.new_values", "new_", "u"}}, event_columns,
        fmt::format("cdc_events e JOIN uploads u ON u.upload_id = e.upload_id AND u.state = 'applied'\n"
                    "{}WHERE e.company_id = {} AND e.table_name = {}",
                    notations_.empty() ? "" : "LEFT JOIN uploads p ON p.upload_id = u.previous_upload_id\n",
                    literal(table_.company_id), literal(table_.table_name)));
    return sql + "COMMIT;\n";
  }

 private:
  struct Side {
    std::string json;
    std::string prefix;
    std::string upload;  ///< the upload whose types declare the values' notation
  };

  /// Returns SQL for the column's value on that side, parsed as its upload declares.
  [[nodiscard]] std::string value(const Side& side, const history::LakeColumn& column) const {
    const auto text = json_value(dialect_, side.json, column.name);
    const auto plain = plain_value(dialect_, text, column.type);
    const auto notations = notations_.find(column.name);
    if (notations == notations_.end() || type_in_files(column.type) == ColumnType::string) return plain;
    const auto of = [&](std::string_view upload) {
      return json_value(dialect_, fmt::format("{}.types", upload), column.name);
    };
    // If a version does not declare the column, its values are parsed as the next version declares.
    const auto declared = side.upload == "u" ? of("u") : fmt::format("coalesce({}, {})", of("p"), of("u"));
    auto cases = fmt::format("CASE {}", declared);
    for (const auto& [name, type] : notations->second) {
      cases += fmt::format(" WHEN {} THEN {}", literal(name), value_under(dialect_, text, column.type, type));
    }
    return fmt::format("{} ELSE {} END", cases, plain);
  }

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
        list.add(value(side, column), side.prefix + column.name);
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
  const DeclaredNotations& notations_;
};

}  // namespace

DeclaredNotations notations_of(std::span<const history::UploadStatus> uploads) {
  DeclaredNotations notations;
  for (const auto& upload : uploads) {
    const auto texts = declared_texts(upload.facts);
    if (!texts.has_value()) continue;
    for (const auto& [column, text] : texts.value()) {
      auto type = DeclaredType::parse(text);
      if (type.has_value() && type.value().has_notation()) {
        notations[column].emplace(text, std::move(type.value()));
      }
    }
  }
  return notations;
}

std::string views_of(Dialect dialect, const TableRef& table, std::span<const history::LakeColumn> columns,
                     const DeclaredNotations& notations) {
  return Views(dialect, table, columns, notations).all();
}

}  // namespace deltadrop::lake
