#include "ingest/spool.hpp"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "support/temporary_folder.hpp"

namespace deltadrop::ingest {
namespace {

std::string gzipped(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  std::string in(text);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstded(std::string_view text, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);  // like the zstd command
  if (window_log > 0) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    // Without the size in its header, a frame needs its whole window.
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // Compress in two steps, so that zstd does not know the size when it chooses the window.
  ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
  EXPECT_EQ(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0U);
  out.resize(to.pos);
  ZSTD_freeCCtx(context);
  return out;
}

/// Returns text that does not compress much: a simple generator makes lines of 40 bytes.
std::string noise(std::size_t bytes) {
  std::string text;
  std::uint64_t state = 42;
  while (text.size() < bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    text += std::to_string(state);
    text += '\n';
  }
  return text;
}

class Spool : public ::testing::Test {
 protected:
  std::unique_ptr<SpoolFile> open(SpoolLimits limits = {std::uint64_t{1} << 40, 200}) {
    return SpoolFile::create(folder_.path() / "1.part", limits).value();
  }

  /// Writes in pieces and finishes. Returns the error of the first step that failed.
  static Result<void> feed(SpoolFile& spool, std::string_view bytes, std::size_t piece) {
    while (!bytes.empty()) {
      const auto next = bytes.substr(0, piece);
      DD_TRY(spool.write(std::as_bytes(std::span(next))));
      bytes.remove_prefix(next.size());
    }
    return spool.finish();
  }

  deltadrop::testing::TemporaryFolder folder_;
};

TEST_F(Spool, ExpandsWhateverItIsGiven) {
  const std::string text = "id,value\n" + noise(700'000);
  struct Case {
    std::string name;
    std::string bytes;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {"plain", text, text},
      {"empty", "", ""},
      {"one byte", "x", "x"},
      {"gzip", gzipped(text), text},
      {"gzip of nothing", gzipped(""), ""},
      {"gzip of two members", gzipped(text) + gzipped("more\n"), text + "more\n"},
      {"gzip with zero padding", gzipped(text) + std::string(100, '\0'), text},
      {"zstd", zstded(text), text},
      {"zstd of two frames", zstded(text) + zstded("more\n"), text + "more\n"},
  };
  for (const auto& c : cases) {
    for (const std::size_t piece : {std::size_t{1} << 30, std::size_t{4099}, std::size_t{1}}) {
      if (piece == 1 && c.bytes.size() > 400'000 && c.name != "gzip") continue;
      auto spool = open();
      const auto fed = feed(*spool, c.bytes, piece);
      ASSERT_TRUE(fed.has_value()) << c.name << ": " << fed.error().text();
      EXPECT_EQ(io::read_whole_file(spool->path()).value() == c.expected, true)
          << c.name << " in pieces of " << piece;
      EXPECT_EQ(spool->sha256(), io::sha256_of(c.expected)) << c.name;
      EXPECT_EQ(spool->bytes(), std::ssize(c.expected)) << c.name;
    }
  }
}

TEST_F(Spool, RefusesDamage) {
  const std::string gz = gzipped(noise(5000));
  const std::string zst = zstded(noise(5000));
  std::string bad_gz = gz;
  bad_gz[gz.size() / 2] = static_cast<char>(bad_gz[gz.size() / 2] ^ 0x55);
  std::string bad_zst = zst;
  bad_zst.replace(zst.size() / 2, 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"gzip cut off", gz.substr(0, gz.size() - 5)},
      {"gzip cut in the header", gz.substr(0, 5)},
      {"gzip damaged", bad_gz},
      {"gzip with text behind", gz + "text"},
      {"zstd cut off", zst.substr(0, zst.size() - 3)},
      {"zstd cut in the header", zst.substr(0, 5)},
      {"zstd damaged", bad_zst},
      {"zstd with text behind", zst + "text"},
  };
  for (const auto& [name, bytes] : cases) {
    auto spool = open();
    const auto fed = feed(*spool, bytes, 1000);
    ASSERT_FALSE(fed.has_value()) << name;
    EXPECT_EQ(fed.error().type, "bad-compression") << name << ": " << fed.error().text();
    spool.reset();
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << name;
  }
}

TEST_F(Spool, StopsBombs) {
  const std::string zeros(64 << 20, '0');
  for (const auto& [name, bytes] : {std::pair{"gzip", gzipped(zeros)}, std::pair{"zstd", zstded(zeros)}}) {
    auto spool = open();
    const auto fed = feed(*spool, bytes, std::size_t{1} << 30);
    ASSERT_FALSE(fed.has_value()) << name;
    EXPECT_EQ(fed.error().type, "bad-compression") << name;
    EXPECT_LT(std::filesystem::file_size(spool->path()), zeros.size() / 2) << name << " went on too long";
  }
}

TEST_F(Spool, RefusesWindowsThatWouldTakeOurMemory) {
  auto spool = open();
  const auto fed = feed(*spool, zstded(noise(5000), 27), 1000);
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().type, "bad-compression");
  EXPECT_NE(fed.error().message.find("8 MiB"), std::string::npos) << fed.error().message;
}

TEST_F(Spool, StopsAtTheSizeLimit) {
  const std::string text = noise(5000);
  for (const auto& bytes : {text, gzipped(text)}) {
    auto spool = open({4999, 200});
    const auto fed = feed(*spool, bytes, 1000);
    ASSERT_FALSE(fed.has_value());
    EXPECT_EQ(fed.error().type, "too-large");
    EXPECT_FALSE(spool->finish().has_value()) << "a failed reception must stay failed";
  }
}

TEST_F(Spool, AFileThatIsWrittenBackOnTheWayIsWhole) {
  const std::string text = noise((std::size_t{20} << 20) + 12345);
  auto spool = open();
  const auto fed = feed(*spool, text, 1'000'003);
  ASSERT_TRUE(fed.has_value()) << fed.error().text();
  EXPECT_EQ(spool->bytes(), std::ssize(text));
  EXPECT_EQ(io::read_whole_file(spool->path()).value(), text);
}

TEST_F(Spool, LeavesNothingBehind) {
  {
    auto spool = open();
    const std::string text = "id\n1\n";
    ASSERT_TRUE(spool->write(std::as_bytes(std::span(text))).has_value());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

/// The margins are far larger than what other processes write meanwhile.
TEST_F(Spool, TheReserveIsTheNumberThatWasGiven) {
  const testing::TemporaryFolder folder;
  const auto free = static_cast<double>(io::free_bytes(folder.path()).value());
  const auto create = [&](double share) {
    SpoolLimits limits{std::uint64_t{1} << 40, 200};
    limits.disk_reserve = static_cast<std::uint64_t>(share * free);
    return SpoolFile::create(folder.path() / "file", limits);
  };
  EXPECT_TRUE(create(0.7).has_value());
  const auto refused = create(1.4);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().type, "disk-full");
}

}  // namespace
}  // namespace deltadrop::ingest
