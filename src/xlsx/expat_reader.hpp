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

/// The attributes of an element. Views are valid during the call only.
class Attributes {
 public:
  explicit Attributes(const char** pairs) : pairs_(pairs) {}

  /// Returns the value of an attribute without a prefix.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// Returns the value of r:id.
  [[nodiscard]] std::optional<std::string_view> relationship_id() const;
  /// Returns true if xml:space preserves white space, or nothing without xml:space.
  [[nodiscard]] std::optional<bool> preserves_space() const;

 private:
  const char** pairs_;
};

/// Receives the elements of one part.
class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  /// Receives an element of the part's namespace. The root has depth 1. Returns false to skip the element and
  /// its contents.
  virtual bool start(std::string_view name, const Attributes& attributes, int depth) = 0;
  virtual void end(int depth) = 0;
  /// Receives a piece of the text of an open element.
  virtual void text(std::string_view piece) = 0;

  /// Stops the parser with this error. The first error wins.
  void fail(Error error) {
    if (!error_) error_ = std::move(error);
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  std::optional<Error> error_;
};

/// The required root element of a part.
struct XmlRoot {
  std::string_view name;
  std::array<std::string_view, 2> namespaces;  ///< transitional, strict
};

inline constexpr std::array<std::string_view, 2> kSpreadsheetNamespaces = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main"};

/// A streaming parser for one part of a workbook. Rejects document types, so the only entities are XML's
/// predefined ones.
class XmlReader {
 public:
  /// Errors name `part`. `handler` and `limits` must outlive this.
  XmlReader(std::string_view part, const XmlRoot& root, XmlHandler& handler, const Limits& limits);
  XmlReader(const XmlReader&) = delete;
  XmlReader& operator=(const XmlReader&) = delete;
  ~XmlReader();

  /// Fails with the handler's error, "workbook-damaged" or "workbook-too-large".
  Result<void> feed(std::string_view bytes);
  Result<void> finish();

 private:
  struct Calls;  ///< expat's callbacks
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
  std::uint64_t open_ = 0;  ///< bytes of the incomplete token
  std::string waiting_;     ///< bytes not yet parsed
  int depth_ = 0;
  int skipped_from_ = 0;  ///< depth of the element that is skipped, or 0
};

/// Returns an error of type "workbook-damaged" with the common fix.
Error damaged(std::string_view message);
/// Returns an error of type "workbook-too-large".
Error too_large(std::string_view message);

}  // namespace deltadrop::xlsx
