#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "core/timestamp.hpp"

namespace deltadrop::io {

/// A time zone of the IANA database. A value that threads may share.
class TimeZone {
 public:
  /// UTC, which needs no database.
  TimeZone() = default;

  /// Loads "UTC" or a zone of the machine's database (Debian's package tzdata), such as "Europe/Zurich".
  /// Fails with invalid_input, type "bad-time-zone", if the database does not have it.
  static Result<TimeZone> find(std::string_view name);

  [[nodiscard]] const std::string& name() const { return name_; }

  /// The first millisecond whose local date is `day`. A day that the zone skipped begins with the next one.
  [[nodiscard]] Timestamp start_of(std::chrono::year_month_day day) const;
  /// The last millisecond whose local date is `day`. A day that the zone skipped ends with the previous one.
  [[nodiscard]] Timestamp end_of(std::chrono::year_month_day day) const;

  bool operator==(const TimeZone& other) const { return name_ == other.name_; }

 private:
  struct Rules;

  std::string name_ = "UTC";
  std::shared_ptr<const Rules> rules_;  ///< null: UTC
};

}  // namespace deltadrop::io
