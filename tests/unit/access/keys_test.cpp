#include "access/keys.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "access/gate.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "support/temporary_folder.hpp"

namespace deltadrop::access {
namespace {

Timestamp at(std::string_view text) { return Timestamp::parse(text).value(); }

const Timestamp kNow = at("2025-06-01T12:00:00Z");

TEST(Keys, MatchPatterns) {
  struct Case {
    std::string pattern, text;
    bool matches;
  };
  for (const auto& [pattern, text, matches] : std::vector<Case>{{"acme", "acme", true},
                                                                {"acme", "acme2", false},
                                                                {"acme", "ACME", false},
                                                                {"so-*", "so-financials", true},
                                                                {"so-*", "so-", true},
                                                                {"so-*", "so", false},
                                                                {"*", "anything", true},
                                                                {"*a*b", "xxaxxbxb", true},
                                                                {"*a*b", "xxaxxbx", false},
                                                                {"a**b", "ab", true},
                                                                {"", "a", false}}) {
    EXPECT_EQ(matches_pattern(pattern, text), matches) << pattern << " " << text;
  }
}

class KeysFile : public ::testing::Test {
 protected:
  std::string make(KeyWish wish = {}) { return create_key(file, wish, kNow).value().secret; }

  testing::TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "keys";
  std::filesystem::path marker = folder.path() / "keys-required";
  KeyRing ring{{file, marker}};
};

TEST_F(KeysFile, ContainsNoSecretAndIsReadableByItsOwnerOnly) {
  const auto secret = make();
  EXPECT_TRUE(is_well_formed_key(secret)) << secret;
  const auto text = io::read_whole_file(file).value();
  EXPECT_EQ(text.find(secret.substr(12, 20)), std::string::npos);
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_NE(make().substr(12, 64), secret.substr(12, 64));
}

TEST_F(KeysFile, AMistypedKeyIsRecognised) {
  auto secret = make();
  EXPECT_FALSE(is_well_formed_key(""));
  EXPECT_FALSE(is_well_formed_key(secret.substr(1)));
  secret[20] = secret[20] == '0' ? '1' : '0';
  EXPECT_FALSE(is_well_formed_key(secret));
}

/// A comparison that ends early would accept a key whose hash only begins like a stored one.
TEST_F(KeysFile, ComparesAllBytesOfAHash) {
  const auto secret = make();
  const auto text = io::read_whole_file(file).value();
  const auto hash = io::sha256_of(secret).to_hex();
  for (const std::size_t digit : {std::size_t{0}, std::size_t{31}, hash.size() - 1}) {
    auto other = hash;
    other[digit] = other[digit] == '0' ? '1' : '0';
    auto changed = text;
    changed.replace(changed.find(hash), hash.size(), other);
    ASSERT_TRUE(io::write_file_durably(file, changed).has_value());
    KeyRing after_restart({file, marker});
    EXPECT_FALSE(after_restart.find(secret, kNow).value().has_value()) << digit;
  }
}

TEST_F(KeysFile, IsReloadedWhileTheServerRuns) {
  EXPECT_FALSE(ring.has_keys().value());
  KeyWish wish;
  wish.role = Role::upload;
  wish.companies = {"so-*", "acme"};
  wish.expires_at = kNow.plus_ms(1000);
  wish.name = "SO, finance";
  const auto secret = make(wish);
  EXPECT_TRUE(ring.has_keys().value());
  const auto key = ring.find(secret, kNow).value().value();
  EXPECT_EQ(key.role, Role::upload);
  EXPECT_EQ(key.companies, wish.companies);
  EXPECT_EQ(key.name, wish.name);
  EXPECT_EQ(ring.find(secret, kNow.plus_ms(999)).value().has_value(), true);
  EXPECT_EQ(ring.find(secret, kNow.plus_ms(1000)).value().has_value(), false);
  EXPECT_EQ(ring.find(secret, kNow.plus_ms(1'000'000)).value().has_value(), false) << "long after";
  EXPECT_EQ(ring.find("dd_nonsense", kNow).value().has_value(), false);
  ASSERT_TRUE(revoke_key(file, key.id, kNow).has_value());
  EXPECT_EQ(ring.find(secret, kNow).value().has_value(), false);
  EXPECT_TRUE(ring.has_keys().value()) << "revoking the last key does not open the server";
}

TEST_F(KeysFile, ALostOrEmptyFileAdmitsNobodyEvenAfterARestart) {
  make();
  EXPECT_TRUE(ring.has_keys().value());
  const auto refused = [&] {
    EXPECT_EQ(ring.has_keys().error().type, "keys-missing");
    KeyRing after_restart({file, marker});
    EXPECT_EQ(after_restart.has_keys().error().type, "keys-missing");
    EXPECT_EQ(keys_are_required({file, marker}).error().type, "keys-missing");
  };
  ASSERT_TRUE(io::remove_file(file).has_value());
  refused();
  ASSERT_TRUE(io::write_file_durably(file, "").has_value());
  refused();
  ASSERT_TRUE(io::write_file_durably(file, "# only a heading\n").has_value());
  refused();
  make();
  EXPECT_TRUE(ring.has_keys().value());
  EXPECT_TRUE(keys_are_required({file, marker}).value());
}

TEST_F(KeysFile, LosingFileAndMarkerDoesNotOpenARunningServer) {
  make();
  EXPECT_TRUE(ring.has_keys().value());
  ASSERT_TRUE(io::remove_file(file).has_value());
  ASSERT_TRUE(io::remove_file(marker).has_value());
  ASSERT_TRUE(ring.has_keys().has_error());
  EXPECT_EQ(ring.has_keys().error().type, "keys-missing");
}

TEST_F(KeysFile, AnUnreadableMarkerAdmitsNobody) {
  const KeysPaths paths{file, folder.path() / std::string(300, 'k')};
  KeyRing blind(paths);
  ASSERT_TRUE(blind.has_keys().has_error());
  EXPECT_EQ(blind.has_keys().error().type, "keys-missing");
  ASSERT_TRUE(keys_are_required(paths).has_error());
  EXPECT_EQ(keys_are_required(paths).error().type, "keys-missing");
}

TEST_F(KeysFile, ADamagedFileAdmitsNobody) {
  make();
  ASSERT_TRUE(io::write_file_durably(file, "nonsense\n").has_value());
  ASSERT_TRUE(ring.has_keys().has_error());
  EXPECT_EQ(ring.has_keys().error().type, "bad-keys-file");
  EXPECT_EQ(create_key(file, {}, kNow).error().type, "bad-keys-file");
}

TEST_F(KeysFile, RejectsInvalidPatternsAndNames) {
  KeyWish wish;
  wish.companies = {"a b"};
  EXPECT_EQ(create_key(file, wish, kNow).error().type, "bad-pattern");
  wish.companies = {};
  wish.name = "a\tb";
  EXPECT_EQ(create_key(file, wish, kNow).error().type, "bad-key-name");
  EXPECT_EQ(revoke_key(file, "12345678", kNow).error().type, "no-such-key");
  EXPECT_EQ(parse_role("root").error().type, "bad-role");
}

struct Asked {
  std::string method;
  std::optional<http::Access> access = {};  ///< nothing means that there is no such path
  std::vector<std::string> parameters = {};
  std::vector<std::pair<std::string, std::string>> query = {};
};

class Gates : public KeysFile {
 protected:
  /// Returns the status of the rejection, or 200.
  unsigned ask(const Asked& asked, const std::string& header, const std::string& value,
               bool required = false) {
    GateOptions options;
    options.keys = std::make_shared<KeyRing>(KeysPaths{file, marker});
    options.keys_required = required;
    options.company_of_upload = [](std::string_view id) -> Result<std::optional<std::string>> {
      if (id == "u-unknown") return Error{ErrorCode::unavailable, "no-catalog", "it does not answer", ""};
      if (id == "u-acme") return std::optional<std::string>("acme");
      return id == "u-other" ? std::optional<std::string>("other") : std::nullopt;
    };
    http::Request request;
    request.method = asked.method;
    request.access = asked.access;
    request.parameters = asked.parameters;
    request.query = asked.query;
    if (!header.empty()) request.headers.emplace_back(header, value);
    io::ManualClock clock(kNow);
    const auto refusal = make_gate(options, clock)(request);
    identity = request.key;
    if (!refusal) return 200;
    const bool challenges = std::any_of(refusal->headers.begin(), refusal->headers.end(),
                                        [](const auto& field) { return field.first == "WWW-Authenticate"; });
    EXPECT_EQ(challenges, refusal->status == 401);
    return refusal->status;
  }
  unsigned with(const std::string& secret, const Asked& asked) {
    return ask(asked, "authorization", "Bearer " + secret);
  }

  std::optional<http::KeyIdentity> identity;  ///< the key that the gate attached to the last request
};

using enum http::AllowedTo;
using enum http::Scope;

const Asked kTables{"GET", http::Access{readers, whole_server}};
const Asked kUpload{
    "POST", http::Access{senders, company_in_query, "company_id"}, {}, {{"company_id", "acme"}}};
const Asked kRepublish{"POST", http::Access{operators, whole_server}};
const Asked kLive{"GET", http::Access{everyone, no_company}};

TEST_F(Gates, AreOpenUntilThereIsAKey) {
  EXPECT_EQ(ask(kTables, "", ""), 200U);
  EXPECT_EQ(ask(kTables, "", "", true), 401U);
  const auto secret = make({.role = Role::read, .companies = {}, .expires_at = {}, .name = {}});
  EXPECT_EQ(ask(kTables, "", ""), 401U);
  EXPECT_EQ(ask(kLive, "", ""), 200U);
  EXPECT_EQ(ask({"GET", http::Access{any_key, no_company}}, "", ""), 401U);
  EXPECT_EQ(ask({"GET"}, "", ""), 401U) << "a path that does not exist";
  EXPECT_EQ(ask(kTables, "authorization", "bearer  " + secret), 200U);
  EXPECT_EQ(ask(kTables, "x-api-key", secret), 200U);
  EXPECT_EQ(ask(kTables, "authorization", "Basic " + secret), 401U);
  EXPECT_EQ(ask(kTables, "authorization", "Digest " + secret), 401U);
  EXPECT_EQ(ask(kTables, "authorization", "Bearer"), 401U);
  EXPECT_EQ(ask(kTables, "authorization", "Bearer " + secret + "0"), 401U);
}

TEST_F(Gates, AreClosedWhileTheKeysCannotBeRead) {
  const auto secret = make();
  ASSERT_EQ(with(secret, kTables), 200U);
  ASSERT_TRUE(io::write_file_durably(file, "nonsense\n").has_value());
  EXPECT_EQ(ask(kTables, "", ""), 500U);
  EXPECT_EQ(with(secret, kTables), 500U);
  ASSERT_TRUE(io::remove_file(file).has_value());
  EXPECT_EQ(ask(kTables, "", ""), 503U);
  EXPECT_EQ(with(secret, kTables), 503U);
  EXPECT_EQ(ask(kLive, "", ""), 200U);
}

/// Idempotency keys belong to the companies of the API key, so the gate attaches these to the request.
TEST_F(Gates, RecordTheKeyOfARequest) {
  const auto secret =
      make({.role = Role::read, .companies = {"acme", "so-*"}, .expires_at = {}, .name = "ops"});
  with(secret, kTables);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(identity->id, secret.substr(3, 8));
  EXPECT_EQ(identity->name, "ops");
  EXPECT_EQ(identity->companies, (std::vector<std::string>{"acme", "so-*"}));
  ask(kTables, "", "");
  EXPECT_FALSE(identity.has_value());
}

TEST_F(Gates, EnforceRoles) {
  const auto upload = make({.role = Role::upload, .companies = {}, .expires_at = {}, .name = {}});
  const auto read = make({.role = Role::read, .companies = {}, .expires_at = {}, .name = {}});
  const auto admin = make({.role = Role::admin, .companies = {}, .expires_at = {}, .name = {}});
  struct Row {
    http::AllowedTo allowed;
    unsigned upload, read, admin;
  };
  const std::vector<Row> rows = {{everyone, 200, 200, 200},  {any_key, 200, 200, 200},
                                 {readers, 403, 200, 200},   {senders, 200, 403, 200},
                                 {operators, 403, 403, 200}, {readers_and_senders, 200, 200, 200}};
  for (const auto& row : rows) {
    const Asked asked{"POST", http::Access{row.allowed, whole_server}};
    const auto shown = static_cast<int>(row.allowed);
    EXPECT_EQ(with(upload, asked), row.upload) << shown;
    EXPECT_EQ(with(read, asked), row.read) << shown;
    EXPECT_EQ(with(admin, asked), row.admin) << shown;
  }
}

/// The response is the same as for a path of another company or for another role.
TEST_F(Gates, RejectUnknownPathsByMethod) {
  const auto upload = make({.role = Role::upload, .companies = {}, .expires_at = {}, .name = {}});
  const auto read = make({.role = Role::read, .companies = {}, .expires_at = {}, .name = {}});
  const auto company = make({.role = Role::admin, .companies = {"acme"}, .expires_at = {}, .name = {}});
  EXPECT_EQ(with(upload, {"GET"}), 403U);
  EXPECT_EQ(with(upload, {"POST"}), 200U);
  EXPECT_EQ(with(read, {"GET"}), 200U);
  EXPECT_EQ(with(read, {"HEAD"}), 200U);
  EXPECT_EQ(with(read, {"POST"}), 403U);
  EXPECT_EQ(with(company, {"GET"}), 403U);
}

TEST_F(Gates, RestrictKeysToTheirCompanies) {
  const auto secret =
      make({.role = Role::admin, .companies = {"acme", "so-*"}, .expires_at = {}, .name = {}});
  const http::Access path{readers, company_in_path};
  const http::Access query{readers, company_in_query};
  const http::Access upload{readers_and_senders, company_of_upload};
  const std::vector<std::pair<Asked, unsigned>> rows = {
      {{"PUT", path, {"acme", "t"}}, 200},
      {{"PUT", path, {"other", "t"}}, 403},
      {{"GET", path, {"so-x", "t"}}, 200},
      {{"GET", path}, 403},
      {kTables, 403},
      {kUpload, 200},
      {{"POST", kUpload.access}, 403},
      {{"POST", kUpload.access, {}, {{"company_id", "other"}}}, 403},
      {{"POST", kUpload.access, {}, {{"company", "acme"}}}, 403},
      {{"POST", kUpload.access, {}, {{"company_id", "acme"}, {"company_id", "other"}}}, 403},
      {{"GET", query, {}, {{"company", "acme"}}}, 200},
      {{"GET", query, {}, {{"company", "so-x"}}}, 200},
      {{"GET", query}, 403},
      {{"GET", query, {}, {{"company", "other"}}}, 403},
      {{"GET", upload, {"u-unknown"}}, 503},
      {{"GET", upload, {"u-acme"}}, 200},
      {{"GET", upload, {"u-other"}}, 403},
      {{"GET", upload, {"nonsense"}}, 403},
      {{"GET", upload}, 403},
      {kRepublish, 403},
      {{"GET", http::Access{any_key, no_company}}, 200}};
  for (const auto& [asked, status] : rows) {
    const auto shown = asked.access ? static_cast<int>(asked.access->scope) : -1;
    EXPECT_EQ(with(secret, asked), status) << shown << (asked.parameters.empty() ? "" : asked.parameters[0]);
  }
}

/// The `consume` command has keys but no catalog.
TEST_F(Gates, RejectCompanyKeysForUploadsWithoutACatalog) {
  const auto secret = make({.role = Role::read, .companies = {"acme"}, .expires_at = {}, .name = {}});
  GateOptions options;
  options.keys = std::make_shared<KeyRing>(KeysPaths{file, marker});
  http::Request request;
  request.method = "GET";
  request.access = http::Access{readers_and_senders, company_of_upload};
  request.parameters = {"u-acme"};
  request.headers = {{"x-api-key", secret}};
  io::ManualClock clock(kNow);
  const auto refusal = make_gate(options, clock)(request);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->status, 403U);
}

}  // namespace
}  // namespace deltadrop::access
