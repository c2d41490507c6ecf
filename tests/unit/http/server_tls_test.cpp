#include "http/server_tls.hpp"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <string>

#include "io/file.hpp"
#include "support/temporary_folder.hpp"
#include "support/tls_files.hpp"

namespace deltadrop::http {
namespace {

class Tls : public ::testing::Test {
 protected:
  TlsFiles files_in(const std::string& name) {
    const auto path = folder_.path() / name;
    std::filesystem::create_directory(path);
    return test::make_tls_files(path);
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(Tls, IsAtLeast1_2WithoutRenegotiation) {
  const auto contexts = std::move(TlsContexts::load(files_in("a"))).value();
  SSL_CTX* context = contexts->current()->native_handle();
  EXPECT_EQ(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
  EXPECT_EQ(SSL_CTX_get_max_proto_version(context), 0) << "the newest that OpenSSL supports";
  const auto options = SSL_CTX_get_options(context);
  EXPECT_NE(options & SSL_OP_NO_RENEGOTIATION, 0U);
  EXPECT_NE(options & SSL_OP_CIPHER_SERVER_PREFERENCE, 0U);
  EXPECT_NE(options & SSL_OP_NO_COMPRESSION, 0U);
}

/// RFC 9325, section 4.2.
TEST_F(Tls, OffersOnlyAuthenticatedEncryptionWithForwardSecrecy) {
  const auto contexts = std::move(TlsContexts::load(files_in("a"))).value();
  const auto* suites = SSL_CTX_get_ciphers(contexts->current()->native_handle());
  ASSERT_GT(sk_SSL_CIPHER_num(suites), 0);
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); ++i) {
    const SSL_CIPHER* suite = sk_SSL_CIPHER_value(suites, i);
    const std::string name = SSL_CIPHER_get_name(suite);
    EXPECT_EQ(SSL_CIPHER_is_aead(suite), 1) << name;
    // TLS 1.3 suites do not name a key exchange. All of them have forward secrecy.
    EXPECT_TRUE(name.starts_with("TLS_") || name.starts_with("ECDHE-")) << name;
  }
}

TEST_F(Tls, RefusesACertificateWithAnothersKey) {
  const auto a = files_in("a");
  const auto b = files_in("b");
  const auto mixed = TlsContexts::load({a.certificate, b.key});
  ASSERT_TRUE(mixed.has_error());
  EXPECT_EQ(mixed.error().type, "bad-certificate");
}

TEST_F(Tls, KeepsTheCertificateThatWorked) {
  const auto files = files_in("a");
  const auto contexts = std::move(TlsContexts::load(files)).value();
  const auto before = contexts->current();
  ASSERT_TRUE(io::write_file_durably(files.certificate, "nonsense").has_value());
  EXPECT_EQ(contexts->current(), before);
  EXPECT_EQ(contexts->current(), before);
}

}  // namespace
}  // namespace deltadrop::http
