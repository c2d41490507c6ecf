#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "api/answers.hpp"
#include "api/caller.hpp"
#include "api/parameters.hpp"
#include "api/route_groups.hpp"
#include "core/table_ref.hpp"
#include "core/text.hpp"
#include "http/multipart.hpp"
#include "http/problem.hpp"

namespace deltadrop::api {
namespace {

using ingest::UploadRequest;

/// The fields that a client sends with its file, in a form or a query.
class RequestFields {
 public:
  explicit RequestFields(io::TimeZone zone) : zone_(std::move(zone)) {}

  Result<void> set(const std::string& name, const std::string& value) {
    if (!given_.insert(name).second) return http::bad_parameter(name, value, "one value; it is given twice");
    if (value.find('\0') != std::string::npos || find_invalid_utf8(value) != std::string_view::npos) {
      return http::bad_parameter(name, value, "UTF-8 text without NUL");
    }
    if (name == kEffectiveAt && !value.empty()) {
      DD_TRY(const auto time, effective_at(value));
      return ingest::add_field(request_.fields, name, time.to_string());
    }
    return ingest::add_field(request_.fields, name, value);
  }

  Result<void> set_all(const http::Request& request) {
    DD_TRY(request_.caller, caller_of(request));
    for (const auto& [name, value] : request.query) {
      DD_TRY(set(name, value));
    }
    return success();
  }

  UploadRequest& request() { return request_; }

 private:
  static constexpr std::string_view kEffectiveAt = "effective_at";

  /// The layers below handle only instants, not dates.
  [[nodiscard]] Result<Timestamp> effective_at(const std::string& value) const {
    auto time = parse_time(kEffectiveAt, value, io::BareDate::start_of_day, zone_);
    if (time.has_value()) return time;
    auto error = time.error();
    error.type = "bad-effective-at";
    return error;
  }

  io::TimeZone zone_;
  UploadRequest request_;
  std::set<std::string> given_;
};

void submit(ingest::Reception& reception, const UploadRequest& request, const http::Respond& respond) {
  reception.submit(request, [respond, caller = request.caller](const Result<ingest::SubmitOutcome>& outcome) {
    respond(submit_answer(outcome, caller));
  });
}

/// POST /upload: streams the `file` part to the spool.
class FormUpload final : public http::BodySink, private http::MultipartVisitor {
 public:
  FormUpload(ingest::Intake& intake, RequestFields fields, std::string_view boundary,
             const FormLimits& limits)
      : intake_(intake), fields_(std::move(fields)), parser_(boundary, *this, limits.parts_max) {}

  Result<void> write(std::span<const std::byte> bytes) override { return parser_.feed(bytes); }

  void finish(http::Respond respond) override {
    const auto finished = parser_.finish();
    if (finished.has_error()) return respond(http::problem(finished.error()));
    submit(*reception_, fields_.request(), respond);
  }

 private:
  Result<void> field(const std::string& name, const std::string& value) override {
    return fields_.set(name, value);
  }

  Result<void> file_begins(const std::string& file_name) override {
    fields_.request().file_name = file_name;
    DD_TRY(reception_, intake_.receive());
    return success();
  }

  Result<void> file_bytes(std::span<const std::byte> bytes) override { return reception_->write(bytes); }

  ingest::Intake& intake_;
  RequestFields fields_;
  http::MultipartParser parser_;
  std::unique_ptr<ingest::Reception> reception_;
};

/// PUT /api/v1/tables/{c}/{t}: the body is the file.
class RawUpload final : public http::BodySink {
 public:
  RawUpload(UploadRequest request, std::unique_ptr<ingest::Reception> reception)
      : request_(std::move(request)), reception_(std::move(reception)) {}

  Result<void> write(std::span<const std::byte> bytes) override { return reception_->write(bytes); }
  void finish(http::Respond respond) override { submit(*reception_, request_, respond); }

 private:
  UploadRequest request_;
  std::unique_ptr<ingest::Reception> reception_;
};

using MadeSink = Result<std::unique_ptr<http::BodySink>>;

/// Returns the request's Content-Encoding in lower case, or "" if it is absent or "identity".
std::string content_coding(const http::Request& request) {
  const auto values = request.all_headers("content-encoding");
  const auto coding = ascii_lower(fmt::format("{}", fmt::join(values, ", ")));
  return coding == "identity" ? std::string() : coding;
}

/// Rejects unknown content codings. Ingest detects gzip and zstd by the file's first bytes and expands them,
/// so the header is not needed otherwise.
Result<void> check_coding_of_file(const http::Request& request) {
  constexpr std::array<std::string_view, 4> kUnderstood = {"", "gzip", "x-gzip", "zstd"};
  const auto coding = content_coding(request);
  if (std::find(kUnderstood.begin(), kUnderstood.end(), coding) != kUnderstood.end()) return success();
  return Error{ErrorCode::invalid_input, "unknown-encoding",
               fmt::format("Content-Encoding {} is not understood", quoted_for_message(coding)),
               "send the file as it is, or with one of gzip, zstd"};
}

MadeSink receive_form(ingest::Intake& intake, const http::Request& request, const FormLimits& limits,
                      const io::TimeZone& zone) {
  if (const auto coding = content_coding(request); !coding.empty()) {
    return Error{ErrorCode::invalid_input, "encoded-form",
                 fmt::format("the form has the Content-Encoding {}", quoted_for_message(coding)),
                 "compress the file in the form, not the form: -F file=@so-financials.csv.gz"};
  }
  DD_TRY(auto boundary, http::multipart_boundary(request.header("content-type").value_or("")));
  RequestFields fields(zone);
  DD_TRY(fields.set_all(request));
  return std::unique_ptr<http::BodySink>(
      std::make_unique<FormUpload>(intake, std::move(fields), boundary, limits));
}

MadeSink receive_raw(ingest::Intake& intake, const http::Request& request, const io::TimeZone& zone) {
  const auto& company = request.parameters[0];
  const auto& table = request.parameters[1];
  DD_TRY(TableRef::make(company, table));
  const auto type = request.header("content-type").value_or("");
  if (type.starts_with("multipart/")) {
    return Error{ErrorCode::invalid_input, "not-raw", "the body is a form, not the file itself",
                 "send the file as it is (curl -T), or the form to POST /upload"};
  }
  DD_TRY(check_coding_of_file(request));
  if (request.header("content-range")) {
    // A partial file would delete the missing rows (RFC 9110 section 14.5).
    return http::bad_request("Content-Range says that the body is only a part of the file",
                             "send the whole file, without Content-Range");
  }
  RequestFields fields(zone);
  DD_TRY(fields.set_all(request));
  auto& given = fields.request().fields;
  if (given.contains("company_id") || given.contains("table_name")) {
    return http::bad_parameter("company_id or table_name", "", "the path's parts only");
  }
  given["company_id"] = company;
  given["table_name"] = table;
  fields.request().file_name = company + ".csv";
  fields.request().precondition = precondition_of(request);
  DD_TRY(auto reception, intake.receive());
  return std::unique_ptr<http::BodySink>(std::make_unique<RawUpload>(fields.request(), std::move(reception)));
}

}  // namespace

void add_upload_routes(std::vector<http::Route>& routes, const Services& services) {
  auto& intake = services.ingest.intake();
  const auto add = [&routes](http::Access access, std::string method, std::string pattern, auto receive) {
    http::Route route{std::move(method), std::move(pattern), access, http::Work::receiving};
    route.receive = std::move(receive);
    routes.push_back(std::move(route));
  };
  add({AllowedTo::senders, Scope::company_in_query, "company_id"}, "POST", "/upload",
      [&intake, limits = services.form, zone = services.time_zone](const http::Request& request) {
        return receive_form(intake, request, limits, zone);
      });
  add({AllowedTo::senders, Scope::company_in_path}, "PUT", "/api/v1/tables/{}/{}",
      [&intake, zone = services.time_zone](const http::Request& request) {
        return receive_raw(intake, request, zone);
      });
}

}  // namespace deltadrop::api
