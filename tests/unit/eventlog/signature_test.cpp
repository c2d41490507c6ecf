#include "eventlog/signature.hpp"

#include <gtest/gtest.h>

#include "io/sha256.hpp"

namespace deltadrop::eventlog {
namespace {

const std::string kNew(32, 'n');
const std::string kOld(32, 'o');

TEST(Signatures, AreHmacSha256) {
  // RFC 4231, test case 2.
  EXPECT_EQ(io::hmac_sha256_of("Jefe", "what do ya want for nothing?").to_hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Signatures({kNew}).of("key", "value"), io::hmac_sha256_of(kNew, "3:keyvalue").to_hex());
}

TEST(Signatures, CoverKeyAndValue) {
  const Signatures signatures({kNew});
  const auto signature = signatures.of("key", "value");
  EXPECT_TRUE(signatures.are_valid(signature, "key", "value"));
  EXPECT_FALSE(signatures.are_valid(signature, "key", "other"));
  EXPECT_FALSE(signatures.are_valid(signature, "other", "value"));
  EXPECT_FALSE(signatures.are_valid(signature, "keyv", "alue")) << "no byte moves from key to value";
  EXPECT_FALSE(signatures.are_valid("", "key", "value"));
  EXPECT_FALSE(signatures.are_valid(signature.substr(1), "key", "value"));
  EXPECT_FALSE(Signatures({kOld}).are_valid(signature, "key", "value"));
}

TEST(Signatures, TheFirstKeySignsAndAllVerify) {
  const Signatures both({kNew, kOld});
  EXPECT_EQ(both.of("k", "v"), Signatures({kNew}).of("k", "v"));
  EXPECT_TRUE(both.are_valid(Signatures({kOld}).of("k", "v"), "k", "v"));
  EXPECT_TRUE(both.are_valid(Signatures({kNew}).of("k", "v"), "k", "v"));
  EXPECT_FALSE(Signatures({}).enabled());
}

}  // namespace
}  // namespace deltadrop::eventlog
