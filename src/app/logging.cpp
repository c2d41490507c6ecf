#include "app/logging.hpp"

#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "app/log_output.hpp"
#include "core/ascii.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"
#include "core/timestamp.hpp"

namespace deltadrop::app {
namespace {

constexpr std::chrono::seconds kLastLines{1};

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;  ///< values with their quotes

bool word_character(char c) { return is_alphanumeric(c) || c == '_'; }

std::string_view take_word(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), word_character);
  const auto word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(word.size());
  return word;
}

/// Removes and returns the text up to the next blank, or up to the closing quote of a quoted value.
std::string_view take_value(std::string_view& text) {
  std::size_t end = 0;
  if (text.starts_with('"')) {
    end = 1;
    while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    end = std::min(end + 1, text.size());
  } else {
    end = std::min(text.find(' '), text.size());
  }
  const auto value = text.substr(0, end);
  text.remove_prefix(end);
  return value;
}

/// Splits a message into its fields. Returns nothing if it has another form.
std::optional<Fields> fields_of(std::string_view message) {
  Fields fields;
  fields.emplace_back("event", take_word(message));
  if (fields.front().second.empty() || message.empty()) return std::nullopt;
  while (!message.empty()) {
    if (message.front() != ' ') return std::nullopt;
    message.remove_prefix(1);
    const auto name = take_word(message);
    if (name.empty() || !message.starts_with('=')) return std::nullopt;
    message.remove_prefix(1);
    fields.emplace_back(name, take_value(message));
  }
  return fields;
}

bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool json = !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos &&
                    text.front() != '.' && text.back() != '.' &&
                    (text.size() == 1 || text[0] != '0' || text[1] == '.');
  return json && error == std::errc{} && end == text.data() + text.size();
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ',';
  append_json_string(out, name);
  out += ':';
  if (is_number(value)) {
    out += value;
  } else if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    append_json_string(out, value.substr(1, value.size() - 2));
  } else {
    append_json_string(out, value);
  }
}

std::string time_of(const spdlog::details::log_msg& message) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch());
  return Timestamp{ms.count()}.to_string();
}

std::string_view view_of(spdlog::string_view_t text) { return {text.data(), text.size()}; }

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto time = time_of(message);
    const auto level = view_of(spdlog::level::to_string_view(message.level));
    const auto text = view_of(message.payload);
    const auto line =
        json_ ? as_json_line(time, level, text) : fmt::format("{} {} {}\n", time, level, as_one_line(text));
    out.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(json_);
  }

 private:
  bool json_;
};

/// Passes each line to the LogOutput.
class OutputSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit OutputSink(std::shared_ptr<LogOutput> output) : output_(std::move(output)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    output_->write(std::string(line.data(), line.size()));
  }
  // Callers must not wait for the output.
  void flush_() override {}

  std::shared_ptr<LogOutput> output_;
};

/// Returns the log line that reports dropped lines.
std::string dropped_line(std::uint64_t lines, bool json) {
  const auto text =
      fmt::format("{} missing here: standard error did not take them in time", counted(lines, "log line"));
  const spdlog::details::log_msg message("", spdlog::level::warn, text);
  spdlog::memory_buf_t line;
  LineFormatter(json).format(message, line);
  return {line.data(), line.size()};
}

std::shared_ptr<LogOutput>& current_output() {
  static std::shared_ptr<LogOutput> output;
  return output;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

std::string as_one_line(std::string_view message) {
  std::string line;
  while (!message.empty()) {
    const auto length = std::max<std::size_t>(1, utf8_character_length(message));
    const auto byte = static_cast<unsigned char>(message.front());
    const bool broken = byte >= 0x80 && utf8_character_length(message) == 0;
    if (is_control(message.front()) || broken) {
      line += fmt::format("\\x{:02X}", byte);
    } else {
      line += message.substr(0, length);
    }
    message.remove_prefix(length);
  }
  return line;
}

std::string as_json_line(std::string_view time, std::string_view level, std::string_view message) {
  const auto safe = as_one_line(message);
  std::string out = "{\"time\":";
  append_json_string(out, time);
  out += ",\"level\":";
  append_json_string(out, level);
  if (const auto fields = fields_of(safe)) {
    for (const auto& [name, value] : *fields) append_member(out, name, value);
  } else {
    out += ",\"message\":";
    append_json_string(out, safe);
  }
  return out + "}\n";
}

void start_logging(const LogOptions& options) {
  const bool json = options.format == LogFormat::json;
  LogOutput::Options to;
  to.dropped_line = [json](std::uint64_t lines) { return dropped_line(lines, json); };
  const auto output = std::make_shared<LogOutput>(std::move(to));
  auto logger = std::make_shared<spdlog::logger>("deltadrop", std::make_shared<OutputSink>(output));
  logger->set_formatter(std::make_unique<LineFormatter>(json));
  logger->set_level(spdlog_level(options.level));
  spdlog::set_default_logger(std::move(logger));
  current_output() = output;
}

void finish_logging() {
  if (current_output() != nullptr) current_output()->flush(kLastLines);
}

}  // namespace deltadrop::app
