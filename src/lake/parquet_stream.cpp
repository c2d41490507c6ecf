#include "lake/parquet_stream.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

namespace deltadrop::lake {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;

}  // namespace

SinkStream::SinkStream(ByteSink sink) : sink_(std::move(sink)) { buffer_.reserve(kBufferBytes); }

arrow::Status SinkStream::Write(const void* data, std::int64_t size) {
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
  if (buffer_.size() + bytes.size() > kBufferBytes) ARROW_RETURN_NOT_OK(Flush());
  position_ += size;
  if (bytes.size() >= kBufferBytes) return keep(sink_(bytes));
  buffer_ += bytes;
  return status();
}

arrow::Status SinkStream::Flush() {
  ARROW_RETURN_NOT_OK(status());
  if (!buffer_.empty()) ARROW_RETURN_NOT_OK(keep(sink_(buffer_)));
  buffer_.clear();
  return status();
}

arrow::Status SinkStream::Close() {
  closed_ = true;
  return Flush();
}

void SinkStream::abandon() {
  if (!error_) error_ = Error{ErrorCode::internal, "abandoned", "the file was given up", ""};
}

Result<void> SinkStream::checked(const arrow::Status& status) const {
  if (status.ok()) return success();
  if (error_) return *error_;
  if (status.IsOutOfMemory()) {
    return Error{ErrorCode::unavailable, "out-of-memory", "no memory for a Parquet file: " + status.message(),
                 "free some memory, then try again"};
  }
  return Error{ErrorCode::internal, "parquet", "cannot write a Parquet file: " + status.ToString(),
               "report this with the message"};
}

arrow::Status SinkStream::keep(const Result<void>& outcome) {
  if (!outcome.has_value() && !error_) error_ = outcome.error();
  return status();
}

arrow::Status SinkStream::status() const {
  return error_ ? arrow::Status::IOError(error_->message) : arrow::Status::OK();
}

}  // namespace deltadrop::lake
