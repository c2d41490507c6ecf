#include "core/ids.hpp"

#include <gtest/gtest.h>

#include <string>

namespace deltadrop {
namespace {

TEST(EventId, IsTheUuid5OfUploadAndSeq) {
  const auto upload = UploadId::parse("0195a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
  ASSERT_TRUE(upload.has_value());
  // Expected values from Python's uuid.uuid5.
  EXPECT_EQ(EventId::of(upload.value(), Seq(1)).to_string(), "0e39cd08-0ceb-5430-980a-a6a19f66f1fc");
  EXPECT_EQ(EventId::of(upload.value(), Seq(1'000'000)).to_string(), "9007eaee-017c-5297-a373-d1998a092487");
}

}  // namespace
}  // namespace deltadrop
