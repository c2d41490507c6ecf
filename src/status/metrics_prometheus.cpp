#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "status/checkup.hpp"
#include "status/metrics.hpp"

namespace deltadrop::status {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Labels = std::map<std::string, std::string>;

const Histogram::BucketBoundaries kSeconds = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 1800};

/// The methods that may be a label. Arbitrary methods would let a client create any number of series.
constexpr auto kMethods =
    std::to_array<std::string_view>({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"});
constexpr auto kResults = std::to_array<std::string_view>(
    {"published", "accepted", "held", "unchanged", "replayed", "refused", "failed"});

/// The value of a gauge whose source does not answer.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double up(bool is_up) { return is_up ? 1 : 0; }

double number(std::int64_t value) { return static_cast<double>(value); }

template <class Value>
double known(const std::optional<Value>& value) {
  return value ? static_cast<double>(*value) : kUnknown;
}

/// Returns `read` of the facts, or kUnknown if they are absent.
template <class Facts, class Read>
double known(const std::optional<Facts>& facts, Read read) {
  return facts ? number(std::int64_t{read(*facts)}) : kUnknown;
}

/// Returns the value of a gauge that only a process that accepts uploads has.
std::optional<double> of_uploads(const Checkup& found, double value) {
  return found.takes_uploads ? std::optional(value) : std::nullopt;
}

/// A gauge and the function that reads it. The function returns nothing if this kind of process never has the
/// gauge.
struct GaugeRow {
  const char* name;
  const char* help;
  std::optional<double> (*value)(const Checkup& found);
};

const auto kGauges = std::to_array<GaugeRow>({
    {"deltadrop_kafka_up", "1 when the log answers and takes messages, else 0",
     [](const Checkup& found) { return std::optional(up(!found.log)); }},
    {"deltadrop_database_up", "1 when the history answers, else 0",
     [](const Checkup& found) { return std::optional(up(!found.database)); }},
    {"deltadrop_lake_up", "1 when applied uploads get into the lake, else 0",
     [](const Checkup& found) { return std::optional(known(found.lake_up)); }},
    {"deltadrop_consumer_up", "1 unless no consumer seems to run, then 0",
     [](const Checkup& found) { return std::optional(known(found.consumer_up)); }},
    {"deltadrop_pending_uploads", "Uploads that are accepted and not in the log",
     [](const Checkup& found) {
       return of_uploads(found,
                         known(found.ingest, [](const auto& ingest) { return ingest.accepted_unpublished; }));
     }},
    {"deltadrop_held_uploads", "Uploads that wait for somebody to release or discard them",
     [](const Checkup& found) {
       return of_uploads(found, known(found.ingest, [](const auto& ingest) { return ingest.held; }));
     }},
    {"deltadrop_unapplied_uploads",
     "Uploads that are accepted (of a process that only consumes: recorded) and not applied",
     [](const Checkup& found) { return std::optional(known(found.pending)); }},
    {"deltadrop_applied_uploads", "Uploads that were ever applied to this history",
     [](const Checkup& found) {
       return std::optional(known(found.last_applied, [](AppliedNo last) { return last.value; }));
     }},
    {"deltadrop_uploads_not_in_lake", "Uploads that are applied and not in the lake",
     [](const Checkup& found) {
       return std::optional(
           known(found.summary, [](const auto& summary) { return summary.uploads_not_in_lake; }));
     }},
    {"deltadrop_blocked_uploads", "Uploads that cannot be applied until somebody repairs it",
     [](const Checkup& found) {
       return std::optional(
           known(found.summary, [](const auto& summary) { return std::ssize(summary.blocked); }));
     }},
    {"deltadrop_dead_letters", "Dead letters that are not resolved",
     [](const Checkup& found) {
       return std::optional(known(found.summary, [](const auto& summary) { return summary.dead_letters; }));
     }},
    {"deltadrop_waiting_tables",
     "Tables whose next upload was published over a minute ago and is not applied",
     [](const Checkup& found) {
       return of_uploads(found,
                         known(found.unapplied, [](const auto& each) { return std::ssize(each.troubles); }));
     }},
    {"deltadrop_unrecorded_messages", "Messages of this consumer's partitions that are not recorded",
     [](const Checkup& found) {
       return found.consumer ? std::optional(known(found.consumer->lag)) : std::nullopt;
     }},
});

/// Each call builds its own registry, so that concurrent readers do not interfere.
std::vector<prometheus::MetricFamily> gauges_of(const Checkup& found) {
  prometheus::Registry now;
  for (const auto& gauge : kGauges) {
    const auto value = gauge.value(found);
    if (value) prometheus::BuildGauge().Name(gauge.name).Help(gauge.help).Register(now).Add({}).Set(*value);
  }
  return now.Collect();
}

template <class Duration>
double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

class PrometheusMetrics final : public Metrics {
 public:
  explicit PrometheusMetrics(AlsoObserve also) : also_(std::move(also)) {
    prometheus::BuildGauge()
        .Name("deltadrop_build_info")
        .Help("Constant 1; the label is the version")
        .Register(registry_)
        .Add({{"version", DELTADROP_VERSION}})
        .Set(1);
    // These series exist from the start, because rate() misses the first event of a new series.
    for (const auto result : kResults) uploads_.Add({{"result", std::string(result)}});
    for (const auto step : kStepNames) steps_.Add({{"step", std::string(step)}}, kSeconds);
  }

  void saw_upload(const UploadSeen& upload) override {
    if (also_.upload) also_.upload(upload);
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

  void saw_clock(std::string_view trouble) override {
    if (also_.clock) also_.clock(trouble);
  }

  std::string text(const Checkup& found) override {
    auto families = registry_.Collect();
    for (auto& family : gauges_of(found)) families.push_back(std::move(family));
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  Family<Counter>& counters(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
  }
  Family<Histogram>& histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_);
  }

  AlsoObserve also_;
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

std::unique_ptr<Metrics> make_prometheus_metrics(AlsoObserve also) {
  return std::make_unique<PrometheusMetrics>(std::move(also));
}

}  // namespace deltadrop::status
