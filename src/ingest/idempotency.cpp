#include "ingest/idempotency.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "core/text.hpp"
#include "ingest/manifest.hpp"
#include "io/sha256.hpp"

namespace deltadrop::ingest {
namespace {

namespace json = boost::json;

/// Encodes a list of texts, some of them absent, so that different lists have different encodings.
class Identity {
 public:
  explicit Identity(std::string_view kind) { add(kind); }
  Identity& add(std::optional<std::string_view> text) {
    text_ += text ? fmt::format("{}:{},", text->size(), *text) : std::string("-,");
    return *this;
  }
  Identity& add(bool flag) { return add(flag ? std::string_view("1") : std::string_view("0")); }
  [[nodiscard]] Sha256 take() const { return io::sha256_of(text_); }

 private:
  std::string text_;
};

Error damaged() {
  return {ErrorCode::corrupt, "bad-record", "the answer that was kept for this idempotency key is damaged",
          "send the request with a new key"};
}

}  // namespace

Sha256 identity_of(const UploadFields& fields, const TableRef& table, const Sha256& file) {
  Identity identity("upload");
  identity.add(table.company_id).add(table.table_name).add(file.to_hex());
  for (const auto& [name, text] : fields) {
    const bool is_in_table = name == "company_id" || name == "table_name";
    if (!is_in_table) identity.add(name).add(text);
  }
  return identity.take();
}

Sha256 identity_of(const RevertRequest& request) {
  Identity identity("revert");
  identity.add(request.table.company_id).add(request.table.table_name).add(std::to_string(request.to.value));
  return identity.add(request.dry_run).add(request.force).take();
}

Sha256 identity_of_release(const UploadId& upload) {
  return Identity("release").add(upload.to_string()).take();
}

std::string report_to_json(const UploadReport& report) {
  json::array samples;
  for (const auto& sample : report.samples_json) samples.emplace_back(sample);
  return json::serialize(
      json::object{{"record", record_to_json(report.upload)}, {"samples", std::move(samples)}});
}

Result<UploadReport> report_from_json(const KeptAnswer& answer) {
  boost::system::error_code failed;
  const auto value = json::parse(answer.json, failed);
  const auto* object = failed ? nullptr : value.if_object();
  const auto* record = object == nullptr ? nullptr : object->if_contains("record");
  const auto* samples = object == nullptr ? nullptr : object->if_contains("samples");
  if (record == nullptr || !record->is_string() || samples == nullptr || !samples->is_array())
    return damaged();
  UploadReport report{answer.status, {}, {}, true};
  DD_TRY(report.upload, record_from_json(record->get_string()));
  report.upload.state = answer.status == UploadStatus::held ? UploadState::held : UploadState::published;
  for (const auto& sample : samples->get_array()) {
    if (!sample.is_string()) return damaged();
    report.samples_json.emplace_back(sample.get_string());
  }
  return report;
}

Error key_reused(const std::string& key) {
  return {ErrorCode::invalid_input, "idempotency-key-reused",
          fmt::format("the idempotency key {} was used for another request", quoted_for_message(key)),
          "make a new key for each request that is not a retry"};
}

}  // namespace deltadrop::ingest
