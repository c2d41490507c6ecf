#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <boost/asio/ssl/context.hpp>

#include "core/result.hpp"
#include "http/server.hpp"
#include "io/probe.hpp"

namespace deltadrop::http {

/// The TLS contexts for new connections, rebuilt when a file changes. Belongs to the network thread. That
/// thread must not wait for the disk, so another thread checks the files.
class TlsContexts {
 public:
  /// Fails with invalid_input, type "bad-certificate".
  static Result<std::unique_ptr<TlsContexts>> load(const TlsFiles& files);

  /// Returns the context for a new connection. If changed files are unusable, logs that once and keeps the
  /// previous context.
  std::shared_ptr<boost::asio::ssl::context> current();

 private:
  /// The modification time of each file. Renewing a certificate changes it.
  struct Stamps {
    std::filesystem::file_time_type certificate;
    std::filesystem::file_time_type key;
    bool operator==(const Stamps&) const = default;
  };
  using Context = std::shared_ptr<boost::asio::ssl::context>;

  explicit TlsContexts(TlsFiles files);
  [[nodiscard]] Stamps stamps() const;
  /// Returns the context for the current files. Runs on the probe's thread.
  Context look();

  const TlsFiles files_;
  Stamps seen_;
  Context context_;
  Context latest_;            ///< used only by the network thread
  io::Probe<Context> probe_;  ///< last, because it uses the other members
};

}  // namespace deltadrop::http
