#include "xlsx/expat_reader.hpp"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

#include "core/exhausted.hpp"
#include "core/text.hpp"

namespace deltadrop::xlsx {
namespace {

/// Separates a name's namespace from the name. No namespace contains it, because XML normalizes it to a
/// space.
constexpr char kSeparator = '\n';

constexpr std::string_view kXmlSpace = "http://www.w3.org/XML/1998/namespace\nspace";
constexpr std::array<std::string_view, 2> kRelationshipId = {
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships\nid",
    "http://purl.oclc.org/ooxml/officeDocument/relationships\nid"};

std::optional<std::string_view> value_of(const char** pairs, std::string_view name) {
  for (; *pairs != nullptr; pairs += 2) {
    if (name == *pairs) return pairs[1];
  }
  return std::nullopt;
}

std::string shown_name(std::string_view name) {
  const std::size_t separator = name.find(kSeparator);
  if (separator == std::string_view::npos) return fmt::format("<{}>", name);
  return fmt::format("<{}> of {}", name.substr(separator + 1), name.substr(0, separator));
}

}  // namespace

std::optional<std::string_view> Attributes::find(std::string_view name) const {
  return value_of(pairs_, name);
}

std::optional<std::string_view> Attributes::relationship_id() const {
  const auto transitional = value_of(pairs_, kRelationshipId[0]);
  return transitional ? transitional : value_of(pairs_, kRelationshipId[1]);
}

std::optional<bool> Attributes::preserves_space() const {
  const auto space = value_of(pairs_, kXmlSpace);
  if (!space) return std::nullopt;
  return *space == "preserve";
}

/// The memory of one parser. Expat's allocator functions get no argument that identifies the parser, so each
/// call into expat sets its Memory first.
struct XmlReader::Memory {
  explicit Memory(std::uint64_t bytes_max) : max(bytes_max) {}

  std::uint64_t max;
  std::uint64_t used = 0;
  bool is_exceeded = false;

  static thread_local Memory* current;

  /// Stores the size before each block. Padded to keep the block aligned.
  struct alignas(std::max_align_t) Header {
    std::size_t size;
  };

  static void* allocate(std::size_t size) { return reallocate(nullptr, size); }

  static void* reallocate(void* block, std::size_t size) {
    Header* old = block == nullptr ? nullptr : static_cast<Header*>(block) - 1;
    const std::size_t old_size = old == nullptr ? 0 : old->size;
    const std::uint64_t used = current->used - old_size + size;
    if (size > current->max || used > current->max) {
      current->is_exceeded = true;
      return nullptr;
    }
    auto* made = static_cast<Header*>(std::realloc(old, sizeof(Header) + size));
    if (made == nullptr) return nullptr;
    made->size = size;
    current->used = used;
    return made + 1;
  }

  static void release(void* block) {
    if (block == nullptr) return;
    Header* header = static_cast<Header*>(block) - 1;
    current->used -= header->size;
    std::free(header);
  }

  XML_Parser make_parser() {
    current = this;
    const XML_Memory_Handling_Suite functions = {allocate, reallocate, release};
    const char separator[] = {kSeparator, '\0'};
    return XML_ParserCreate_MM(nullptr, &functions, separator);
  }
};

thread_local XmlReader::Memory* XmlReader::Memory::current = nullptr;

struct XmlReader::Calls {
  /// Runs `work` unless the handler has failed. Exceptions must not pass through expat, which is written in
  /// C.
  template <class Work>
  static void guarded(void* data, const Work& work) {
    auto& reader = *static_cast<XmlReader*>(data);
    if (reader.handler_.error()) return;
    try {
      work(reader);
    } catch (const std::exception& thrown) {
      reader.handler_.fail(error_of(thrown));
    }
    if (reader.handler_.error()) XML_StopParser(reader.parser_, XML_FALSE);
  }

  static void XMLCALL start(void* data, const char* name, const char** attributes) {
    guarded(data, [&](XmlReader& reader) { reader.start(name, attributes); });
  }

  static void XMLCALL end(void* data, const char* /*name*/) {
    guarded(data, [](XmlReader& reader) { reader.end(); });
  }

  static void XMLCALL text(void* data, const char* piece, int length) {
    guarded(data, [&](XmlReader& reader) {
      if (reader.skipped_from_ == 0) reader.handler_.text({piece, static_cast<std::size_t>(length)});
    });
  }

  static void XMLCALL document_type(void* data, const char* name, const char* /*system*/,
                                    const char* /*public*/, int /*has_internal*/) {
    guarded(data, [&](XmlReader& reader) {
      reader.fail(
          damaged(fmt::format("{} has a document type, {}, which no workbook has: it could define entities",
                              reader.place(), quoted_for_message(name))));
    });
  }
};

XmlReader::XmlReader(std::string_view part, const XmlRoot& root, XmlHandler& handler, const Limits& limits)
    : part_(part),
      root_(root),
      handler_(handler),
      limits_(limits),
      memory_(std::make_unique<Memory>(limits.xml_memory_bytes_max)),
      parser_(memory_->make_parser()) {
  if (parser_ == nullptr) throw std::bad_alloc();
  XML_SetUserData(parser_, this);
  XML_SetElementHandler(parser_, Calls::start, Calls::end);
  XML_SetCharacterDataHandler(parser_, Calls::text);
  XML_SetStartDoctypeDeclHandler(parser_, Calls::document_type);
}

XmlReader::~XmlReader() {
  Memory::current = memory_.get();
  XML_ParserFree(parser_);
}

std::string XmlReader::place() const {
  return fmt::format("{}, line {}, column {},", part_, XML_GetCurrentLineNumber(parser_),
                     XML_GetCurrentColumnNumber(parser_) + 1);
}

void XmlReader::fail(Error error) { handler_.fail(std::move(error)); }

void XmlReader::start(const char* name, const char** attributes) {
  ++depth_;
  if (depth_ > limits_.xml_depth_max) {
    return fail(
        too_large(fmt::format("{} nests elements more than {} deep", place(), limits_.xml_depth_max)));
  }
  if (skipped_from_ != 0) return;
  const std::string_view full = name;
  const std::size_t separator = full.rfind(kSeparator);
  const bool has_namespace = separator != std::string_view::npos;
  const auto space = full.substr(0, has_namespace ? separator : 0);
  const auto local = full.substr(has_namespace ? separator + 1 : 0);
  const bool is_ours = space == root_.namespaces[0] || space == root_.namespaces[1];
  if (depth_ == 1 && (!is_ours || local != root_.name)) {
    return fail(damaged(fmt::format("the root element of {} is {}, not {}", part_,
                                    quoted_for_message(shown_name(full)),
                                    shown_name(fmt::format("{}\n{}", root_.namespaces[0], root_.name)))));
  }
  if (!is_ours || !handler_.start(local, Attributes(attributes), depth_)) skipped_from_ = depth_;
}

void XmlReader::end() {
  if (skipped_from_ == 0) {
    handler_.end(depth_);
  } else if (skipped_from_ == depth_) {
    skipped_from_ = 0;
  }
  --depth_;
}

Result<void> XmlReader::parse(std::string_view bytes, bool is_last) {
  fed_ += bytes.size();
  Memory::current = memory_.get();
  const auto status = XML_Parse(parser_, bytes.data(), static_cast<int>(bytes.size()), is_last ? 1 : 0);
  if (handler_.error()) return *handler_.error();
  if (status == XML_STATUS_ERROR) {
    const auto code = XML_GetErrorCode(parser_);
    if (code == XML_ERROR_NO_MEMORY && memory_->is_exceeded) {
      return too_large(fmt::format(
          "{} has so many names of elements and attributes that reading it needs more than {} bytes", place(),
          limits_.xml_memory_bytes_max));
    }
    if (code == XML_ERROR_NO_MEMORY) return out_of_memory();
    return damaged(fmt::format("{} is not valid XML: {}", place(), XML_ErrorString(code)));
  }
  return success();
}

Result<void> XmlReader::feed(std::string_view bytes) {
  // Expat parses an incomplete token from its start with each piece. Waiting until the token may have doubled
  // in length makes the cost proportional to its length.
  waiting_ += bytes;
  if (waiting_.size() < open_) return success();
  DD_TRY(parse(waiting_, false));
  waiting_.clear();
  const auto at = XML_GetCurrentByteIndex(parser_);
  open_ = fed_ - (at < 0 ? 0 : std::min(static_cast<std::uint64_t>(at), fed_));
  if (open_ <= limits_.xml_token_bytes_max) return success();
  return too_large(
      fmt::format("{} has a tag or a comment of more than {} bytes", place(), limits_.xml_token_bytes_max));
}

Result<void> XmlReader::finish() { return parse(waiting_, true); }

Error damaged(std::string_view message) {
  return {ErrorCode::invalid_input, "workbook-damaged", fmt::format("the workbook is damaged: {}", message),
          "open it in a spreadsheet program, save it as .xlsx again and send that file"};
}

Error too_large(std::string_view message) {
  return {ErrorCode::invalid_input, "workbook-too-large",
          fmt::format("the workbook is too large: {}", message),
          "split it, or save the sheet as CSV and send that"};
}

}  // namespace deltadrop::xlsx
