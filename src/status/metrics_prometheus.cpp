#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "status/metrics.hpp"

namespace deltadrop::status {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

const Histogram::BucketBoundaries kSeconds = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800};

/// Those that may be a label: a client's own would let it make as many series as it likes.
constexpr std::array<std::string_view, 7> kMethods = {"GET",    "HEAD",    "POST", "PUT",
                                                      "DELETE", "OPTIONS", "PATCH"};
constexpr std::array<std::string_view, 7> kResults = {"published", "accepted", "held",  "unchanged",
                                                      "replayed",  "refused",  "failed"};

template <class Duration>
double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

class PrometheusMetrics final : public Metrics {
 public:
  PrometheusMetrics() {
    prometheus::BuildGauge()
        .Name("deltadrop_build_info")
        .Help("Constant 1; the label is the version")
        .Register(registry_)
        .Add({{"version", DELTADROP_VERSION}})
        .Set(1);
    // Series that are there from the start: a rate over one that appears with its first event misses it.
    for (const auto result : kResults) uploads_.Add({{"result", std::string(result)}});
    for (const auto step : kStepNames) steps_.Add({{"step", std::string(step)}}, kSeconds);
  }

  void saw_upload(const UploadSeen& upload) override {
    uploads_.Add({{"result", upload.result}}).Increment();
    bytes_.Increment(static_cast<double>(upload.bytes));
    if (upload.result != "published" && upload.result != "accepted") return;
    rows_.Increment(static_cast<double>(upload.rows));
    inserts_.Increment(static_cast<double>(upload.inserted));
    updates_.Increment(static_cast<double>(upload.updated));
    deletes_.Increment(static_cast<double>(upload.deleted));
  }
  void saw_step(Step step, std::chrono::nanoseconds took) override {
    steps_.Add({{"step", std::string(to_string(step))}}, kSeconds).Observe(seconds(took));
  }
  void saw_published(std::chrono::milliseconds after_acceptance) override {
    publish_lag_.Observe(seconds(after_acceptance));
  }
  void saw_recorded(std::int64_t events) override { recorded_.Increment(static_cast<double>(events)); }
  void saw_applied(std::chrono::milliseconds after_acceptance) override {
    apply_lag_.Observe(seconds(after_acceptance));
  }

  void saw_request(const http::Served& served) override {
    const bool known = std::find(kMethods.begin(), kMethods.end(), served.method) != kMethods.end();
    const std::string route(served.route.empty() ? "none" : served.route);
    requests_
        .Add({{"route", route},
              {"method", known ? std::string(served.method) : "other"},
              {"status", std::to_string(served.status)}})
        .Increment();
    request_seconds_.Add({{"route", route}}, kSeconds).Observe(seconds(served.took));
  }

  std::string text(const Gauges& gauges) override {
    auto families = registry_.Collect();
    for (auto& family : collect(gauges)) families.push_back(std::move(family));
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  /// Made anew each time, so that two readers do not meet.
  static std::vector<prometheus::MetricFamily> collect(const Gauges& gauges) {
    prometheus::Registry now;
    const auto add = [&now](const char* name, const char* help, const std::optional<double>& value) {
      if (value) prometheus::BuildGauge().Name(name).Help(help).Register(now).Add({}).Set(*value);
    };
    add("deltadrop_kafka_up", "1 when the log answers and takes messages, else 0", gauges.kafka_up);
    add("deltadrop_database_up", "1 when the history answers, else 0", gauges.database_up);
    add("deltadrop_lake_up", "1 when applied uploads get into the lake, else 0", gauges.lake_up);
    add("deltadrop_consumer_up", "1 unless no consumer seems to run, then 0", gauges.consumer_up);
    add("deltadrop_pending_uploads", "Uploads that are accepted and not in the log", gauges.pending_uploads);
    add("deltadrop_held_uploads", "Uploads that wait for somebody to release or discard them",
        gauges.held_uploads);
    add("deltadrop_unapplied_uploads",
        "Uploads that are accepted (of a process that only consumes: recorded) and not applied",
        gauges.unapplied_uploads);
    add("deltadrop_applied_uploads", "Uploads that were ever applied to this history",
        gauges.applied_uploads);
    add("deltadrop_uploads_not_in_lake", "Uploads that are applied and not in the lake",
        gauges.uploads_not_in_lake);
    add("deltadrop_blocked_uploads", "Uploads that cannot be applied until somebody repairs it",
        gauges.blocked_uploads);
    add("deltadrop_dead_letters", "Dead letters that are not resolved", gauges.dead_letters);
    add("deltadrop_waiting_tables",
        "Tables whose next upload was published over a minute ago and is not applied", gauges.waiting_tables);
    add("deltadrop_unrecorded_messages", "Messages of this consumer's partitions that are not recorded",
        gauges.unrecorded_messages);
    return now.Collect();
  }

  Family<Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
  }
  Family<Histogram>& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
  }

  prometheus::Registry registry_;
  Family<Counter>& uploads_ = counters("deltadrop_uploads_total", "Uploads and releases by how they ended");
  Family<Counter>& events_ = counters("deltadrop_events_total", "Events of accepted uploads by type");
  Family<Counter>& requests_ = counters("deltadrop_http_requests_total", "Requests by route and status");
  Family<Histogram>& steps_ = histograms("deltadrop_step_seconds", "Time that a step of an upload took");
  Family<Histogram>& request_seconds_ =
      histograms("deltadrop_http_request_seconds", "Time from a request's head to its answer's end");
  Counter& bytes_ = counters("deltadrop_upload_bytes_total", "Bytes of received files, expanded").Add({});
  Counter& rows_ = counters("deltadrop_upload_rows_total", "Rows of accepted files").Add({});
  Counter& recorded_ = counters("deltadrop_recorded_events_total", "Events recorded in the history").Add({});
  Counter& inserts_ = events_.Add({{"type", "insert"}});
  Counter& updates_ = events_.Add({{"type", "update"}});
  Counter& deletes_ = events_.Add({{"type", "delete"}});
  Histogram& publish_lag_ =
      histograms("deltadrop_publish_lag_seconds", "Time from an upload's acceptance until it was in the log")
          .Add({}, kSeconds);
  Histogram& apply_lag_ =
      histograms("deltadrop_apply_lag_seconds", "Time from an upload's acceptance until readers see it")
          .Add({}, kSeconds);
};

}  // namespace

std::unique_ptr<Metrics> make_prometheus_metrics() { return std::make_unique<PrometheusMetrics>(); }

}  // namespace deltadrop::status
