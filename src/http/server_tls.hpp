#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <boost/asio/ssl/context.hpp>

#include "core/result.hpp"
#include "http/server.hpp"

namespace deltadrop::http {

/// The TLS settings of new connections, made again when a file changes. Belongs to one thread.
class TlsContexts {
 public:
  /// invalid_input "bad-certificate".
  static Result<std::unique_ptr<TlsContexts>> load(const TlsFiles& files);

  /// Those of a connection that begins now. Files that have changed and cannot be used are logged once; what
  /// was there before stays.
  std::shared_ptr<boost::asio::ssl::context> current();

 private:
  /// When each file was written: a renewed certificate has another.
  struct Stamps {
    std::filesystem::file_time_type certificate;
    std::filesystem::file_time_type key;
    bool operator==(const Stamps&) const = default;
  };
  explicit TlsContexts(TlsFiles files) : files_(std::move(files)) {}
  [[nodiscard]] Stamps stamps() const;

  TlsFiles files_;
  Stamps seen_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace deltadrop::http
