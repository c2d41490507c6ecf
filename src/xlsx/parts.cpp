#include "xlsx/parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/text.hpp"

namespace deltadrop::xlsx {
namespace {

constexpr XmlRoot kRelationships = {"Relationships",
                                    // Transitional and strict workbooks both use the first.
                                    {"http://schemas.openxmlformats.org/package/2006/relationships",
                                     "http://purl.oclc.org/ooxml/package/relationships"}};
constexpr XmlRoot kWorkbook = {"workbook", kSpreadsheetNamespaces};
constexpr XmlRoot kStyleSheet = {"styleSheet", kSpreadsheetNamespaces};

std::string_view folder_of(std::string_view part) {
  const std::size_t slash = part.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : part.substr(0, slash);
}

/// Returns the name of the part that `target` refers to in the relationships of a part in `folder`.
std::string resolve(std::string_view folder, std::string_view target) {
  std::string path;
  if (!target.starts_with('/')) path = folder;
  while (!target.empty()) {
    const std::size_t slash = std::min(target.find('/'), target.size());
    const std::string_view segment = target.substr(0, slash);
    target.remove_prefix(std::min(slash + 1, target.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") {
      path = folder_of(path);
      continue;
    }
    if (!path.empty()) path += '/';
    path += segment;
  }
  return path;
}

bool is_true(std::optional<std::string_view> value) {
  return value == "1" || value == "true" || value == "on";
}

std::uint32_t number_of(std::optional<std::string_view> value, std::uint32_t otherwise) {
  if (!value) return otherwise;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  return error == std::errc() && end == value->data() + value->size() ? number : otherwise;
}

class RelationshipReader final : public XmlHandler {
 public:
  explicit RelationshipReader(std::string_view part) : folder_(folder_of(part)) {}

  Relationships take() { return std::move(found_); }

  bool start(std::string_view name, const Attributes& attributes, int depth) override {
    if (depth == 1) return true;
    if (name != "Relationship" || attributes.find("TargetMode") == "External") return false;
    const auto id = attributes.find("Id");
    const auto type = attributes.find("Type");
    const auto target = attributes.find("Target");
    if (!id || !type || !target) return false;
    found_.emplace(*id,
                   Relationship{std::string(type->substr(type->rfind('/') + 1)), resolve(folder_, *target)});
    return false;
  }
  void end(int /*depth*/) override {}
  void text(std::string_view /*piece*/) override {}

 private:
  std::string folder_;
  Relationships found_;
};

class WorkbookReader final : public XmlHandler {
 public:
  explicit WorkbookReader(const Limits& limits) : limits_(limits) {}

  WorkbookPart take() { return std::move(part_); }

  bool start(std::string_view name, const Attributes& attributes, int depth) override {
    if (depth == 1) return true;
    if (depth == 2) {
      if (name == "workbookPr" && is_true(attributes.find("date1904"))) part_.dates = DateSystem::from_1904;
      if (name == "calcPr") part_.recalculates_on_load = is_true(attributes.find("fullCalcOnLoad"));
      return name == "sheets";
    }
    if (name == "sheet") take_sheet(attributes);
    return false;
  }
  void end(int /*depth*/) override {}
  void text(std::string_view /*piece*/) override {}

 private:
  void take_sheet(const Attributes& attributes) {
    if (part_.sheets.size() >= limits_.sheets_max) {
      return fail(too_large(fmt::format("it has more than {} sheets", limits_.sheets_max)));
    }
    const auto state = attributes.find("state");
    part_.sheets.push_back({std::string(attributes.find("name").value_or("")),
                            std::string(attributes.relationship_id().value_or("")),
                            state == "hidden" || state == "veryHidden"});
  }

  const Limits& limits_;
  WorkbookPart part_;
};

class StyleReader final : public XmlHandler {
 public:
  /// The format id of each style.
  std::vector<std::uint32_t> ids;
  std::map<std::uint32_t, std::string> codes;

  bool start(std::string_view name, const Attributes& attributes, int depth) override {
    if (depth == 1) return true;
    if (depth == 2) {
      in_styles_ = name == "cellXfs";
      return in_styles_ || name == "numFmts";
    }
    if (in_styles_ && name == "xf") {
      ids.push_back(number_of(attributes.find("numFmtId"), 0));
    } else if (!in_styles_ && name == "numFmt") {
      const auto code = attributes.find("formatCode");
      if (code)
        codes.insert_or_assign(number_of(attributes.find("numFmtId"), UINT32_MAX), std::string(*code));
    }
    return false;
  }
  void end(int /*depth*/) override {}
  void text(std::string_view /*piece*/) override {}

 private:
  bool in_styles_ = false;
};

}  // namespace

Result<void> read_part(Package& package, std::string_view part, const XmlRoot& root, XmlHandler& handler,
                       const Limits& limits, std::uint64_t bytes_max) {
  XmlReader reader(part, root, handler, limits);
  std::uint64_t bytes = 0;
  DD_TRY(package.read(part, [&](std::string_view block) -> Result<void> {
    bytes += block.size();
    if (bytes > bytes_max) return too_large(fmt::format("{} expands to more than {} bytes", part, bytes_max));
    return reader.feed(block);
  }));
  return reader.finish();
}

Result<Relationships> read_relationships(Package& package, std::string_view part, const Limits& limits) {
  const std::string_view folder = folder_of(part);
  const std::string_view file = part.substr(folder.empty() ? 0 : folder.size() + 1);
  const std::string name = resolve(folder, fmt::format("_rels/{}.rels", file));
  if (!package.has(name)) return Relationships();
  RelationshipReader reader(part);
  DD_TRY(read_part(package, name, kRelationships, reader, limits, limits.part_bytes_max));
  return reader.take();
}

const Relationship* find_type(const Relationships& relationships, std::string_view type) {
  for (const auto& [id, relationship] : relationships) {
    if (relationship.type == type) return &relationship;
  }
  return nullptr;
}

Result<WorkbookPart> read_workbook_part(Package& package, std::string_view part, const Limits& limits) {
  WorkbookReader reader(limits);
  DD_TRY(read_part(package, part, kWorkbook, reader, limits, limits.part_bytes_max));
  return reader.take();
}

Result<Styles> Styles::read(Package& package, std::string_view part, const Limits& limits) {
  StyleReader reader;
  DD_TRY(read_part(package, part, kStyleSheet, reader, limits, limits.part_bytes_max));
  Styles styles;
  std::map<std::uint32_t, std::uint32_t> known;
  for (const std::uint32_t id : reader.ids) {
    const auto [entry, is_new] = known.try_emplace(id, kNone);
    if (is_new) {
      const auto code = reader.codes.find(id);
      auto format =
          code == reader.codes.end() ? NumberFormat::built_in(id) : NumberFormat::parse(code->second);
      if (!format.keeps_numbers()) {
        entry->second = static_cast<std::uint32_t>(styles.formats_.size());
        styles.formats_.push_back(std::move(format));
      }
    }
    styles.formats_of_styles_.push_back(entry->second);
  }
  return styles;
}

}  // namespace deltadrop::xlsx
