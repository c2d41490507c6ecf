#include "api/findings_problem.hpp"

#include <fmt/format.h>

#include <string>

#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

std::string finding_json(const csv::Finding& finding) {
  return JsonObject()
      .text("type", finding.type)
      .number("line", finding.line.value)
      .text_or_null("column", finding.column)
      .text_or_null("value", finding.value)
      .text("reason", finding.message)
      .text("fix", finding.fix)
      .take();
}

}  // namespace

http::Response findings_problem(const csv::Findings& findings) {
  Error error{ErrorCode::invalid_input, "bad-file", "",
              "mend the lines named in findings and upload the file again"};
  error.message = fmt::format("the file has {}; nothing was changed", counted(findings.total, "fault"));
  if (!findings.first.empty()) {
    const auto& first = findings.first.front();
    error.message += fmt::format("; the first, in line {}: {}", first.line.value, first.message);
  }
  JsonArray list;
  for (const auto& finding : findings.first) list.raw(finding_json(finding));
  return http::problem_with(error,
                            {{"findings", list.take()}, {"findings_total", std::to_string(findings.total)}});
}

}  // namespace deltadrop::api
