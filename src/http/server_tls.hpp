#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <boost/asio/ssl/context.hpp>

#include "core/result.hpp"
#include "http/server.hpp"
#include "io/probe.hpp"

namespace deltadrop::http {

/// The TLS settings of new connections, made again when a file changes. Belongs to the network thread, which
/// must not wait for the disk: the files are looked at by a thread of its own.
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
  using Context = std::shared_ptr<boost::asio::ssl::context>;

  explicit TlsContexts(TlsFiles files);
  [[nodiscard]] Stamps stamps() const;
  /// Those of the files as they are now. On the probe's thread.
  Context look();

  const TlsFiles files_;
  Stamps seen_;
  Context context_;
  Context latest_;            ///< the network thread's
  io::Probe<Context> probe_;  ///< last: it uses the others
};

}  // namespace deltadrop::http
