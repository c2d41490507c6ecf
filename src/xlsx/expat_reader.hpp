#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "xlsx/workbook.hpp"

struct XML_ParserStruct;

namespace deltadrop::xlsx {

/// Views live during the call only.
class Attributes {
 public:
  explicit Attributes(const char** pairs) : pairs_(pairs) {}

  /// Of an attribute without a prefix.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// r:id
  [[nodiscard]] std::optional<std::string_view> relationship_id() const;
  /// What xml:space says: whether white space is kept.
  [[nodiscard]] std::optional<bool> preserves_space() const;

 private:
  const char** pairs_;
};

/// Receives the elements of one part.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  /// An element of the part's namespace; the root has depth 1. False: skip the element, with all that it
  /// contains.
  virtual bool start(std::string_view name, const Attributes& attributes, int depth) = 0;
  virtual void end(int depth) = 0;
  /// A piece of the text of the element that was started last and has not ended, or of one around it.
  virtual void text(std::string_view piece) = 0;

  /// Ends the reading with this error, unless there is one already.
  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<Error> error_;
};

/// What the root element of a part must be.
struct XmlRoot {
  std::string_view name;
  std::array<std::string_view, 2> namespaces;  ///< transitional, strict
};

inline constexpr std::array<std::string_view, 2> kSpreadsheetNamespaces = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main"};

/// Parses one part of a workbook as it arrives. Refuses document types, and with them all entities but XML's
/// own.
class XmlReader {
 public:
  /// `part` is named in errors. `handler` must outlive this.
  XmlReader(std::string_view part, const XmlRoot& root, XmlHandler& handler, const Limits& limits);
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;
  ~XmlReader();

  /// Fails with the handler's error, "workbook-damaged" or "workbook-too-large".
  Result<void> feed(std::string_view bytes);
  Result<void> finish();

 private:
  struct Calls;  ///< what expat calls
  struct Memory;

  Result<void> parse(std::string_view bytes, bool is_last);
  void start(const char* name, const char** attributes);
  void end();
  [[nodiscard]] std::string place() const;
  void fail(Error error);

  std::string part_;
  XmlRoot root_;
  XmlHandler& handler_;
  const Limits& limits_;
  std::unique_ptr<Memory> memory_;
  XML_ParserStruct* parser_;
  std::uint64_t fed_ = 0;
  std::uint64_t open_ = 0;  ///< bytes of the token that has begun and not ended
  std::string waiting_;     ///< bytes that are not yet parsed
  int depth_ = 0;
  int skipped_from_ = 0;  ///< depth of the element that is skipped, or 0
};

/// "workbook-damaged", with the fix that helps with all of them.
Error damaged(std::string_view message);
/// "workbook-too-large"
Error too_large(std::string_view message);

}  // namespace deltadrop::xlsx
