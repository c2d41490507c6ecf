#include "http/preconditions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "http/head.hpp"

namespace deltadrop::http {
namespace {

struct EntityTag {
  std::string_view text;  ///< including the quotes
  bool weak = false;
};

/// The value of If-Match or If-None-Match.
struct TagList {
  bool any = false;  ///< `*`
  std::vector<EntityTag> tags;
};

/// Parses one field's value. A comma within quotes belongs to the tag. Ignores invalid tags, so that they
/// match nothing.
void read_tags(std::string_view value, TagList& list) {
  while (!value.empty()) {
    value = trim_blanks(value);
    const bool weak = value.starts_with("W/");
    auto rest = weak ? value.substr(2) : value;
    const auto closing = rest.starts_with('"') ? rest.find('"', 1) : std::string_view::npos;
    if (closing != std::string_view::npos) {
      list.tags.push_back({rest.substr(0, closing + 1), weak});
      rest.remove_prefix(closing + 1);
    }
    const auto comma = rest.find(',');
    if (trim_blanks(rest.substr(0, comma)) == "*" && !weak) list.any = true;
    value = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
}

/// Returns nothing if the request has no such field. The list refers to the request's headers.
std::optional<TagList> tags_of(const Request& request, std::string_view name) {
  std::optional<TagList> list;
  for (const auto& [field, value] : request.headers) {
    if (field != name) continue;
    if (!list) list.emplace();
    read_tags(value, *list);
  }
  return list;
}

/// RFC 9110 section 8.8.3.2: a weak tag never matches in the strong comparison.
enum class Comparison : std::uint8_t { strong, weak };

bool matches(const TagList& list, std::string_view etag, Comparison comparison) {
  return list.any || std::any_of(list.tags.begin(), list.tags.end(), [&](const EntityTag& tag) {
           return tag.text == etag && (comparison == Comparison::weak || !tag.weak);
         });
}

std::optional<EntityTags> texts_of(const std::optional<TagList>& list, Comparison comparison) {
  if (!list) return std::nullopt;
  EntityTags tags{list->any, {}};
  for (const auto& tag : list->tags) {
    if (tag.weak && comparison == Comparison::strong) continue;
    tags.opaque.emplace_back(tag.text.substr(1, tag.text.size() - 2));
  }
  return tags;
}

}  // namespace

Verdict evaluate_preconditions(const Request& request, std::string_view etag) {
  const auto wanted = tags_of(request, "if-match");
  if (wanted && !matches(*wanted, etag, Comparison::strong)) return Verdict::failed;
  const auto known = tags_of(request, "if-none-match");
  return known && matches(*known, etag, Comparison::weak) ? Verdict::not_modified : Verdict::proceed;
}

std::optional<EntityTags> if_match(const Request& request) {
  return texts_of(tags_of(request, "if-match"), Comparison::strong);
}

std::optional<EntityTags> if_none_match(const Request& request) {
  return texts_of(tags_of(request, "if-none-match"), Comparison::weak);
}

Error precondition_failed(std::string_view what) {
  return {ErrorCode::conflict, "precondition-failed",
          fmt::format("If-Match does not name the entity tag of {}", what),
          "get the current ETag, then decide"};
}

}  // namespace deltadrop::http
