#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace deltadrop {
namespace {

using std::string_literals::operator""s;

const std::vector<std::string> kSeeds = {
    "id,a,b\n1,x,y\n2,z,w\n",
    "id,a,b\r\n1,\"x, y\",\r\n2,\"say \"\"hi\"\"\",w\r\n",
    "id;a;b\n\"two\nlines\";x;\n3;;\n",
    "\xEF\xBB\xBFid\ta\n1\tcaf\xC3\xA9\n",
    "\xFF\xFEi\0d\0,\0a\0\n\0001\0,\0\xAC\x20\n\0"s,
    "id,a\r1,x\r\r2,y",
    "b,id,a\n,1,\n",
};

const std::vector<std::string> kPieces = {
    "\"", "\"\"", ",",   ";",    "\n",       "\r",       "\r\n",    "\t", "|",
    "id", "1",    "\0"s, "\xFF", "\xC3\xA9", "\xED\xA0", "\n1,x,y", "a",  std::string(30, 'k')};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string next() {
    std::string text = kSeeds[below(kSeeds.size())];
    text += below(2) == 0 ? text : kSeeds[below(kSeeds.size())];
    for (std::size_t i = below(8); i > 0; --i) mutate(text);
    std::string input;
    input += static_cast<char>(below(3) == 0 ? below(128) : 0);
    input += static_cast<char>(below(3) == 0 ? below(256) : 128);
    return input + text;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  void mutate(std::string& text) {
    const std::size_t at = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 1:
        text.erase(at, 1 + below(4));
        break;
      case 2:
        text.insert(at, text.substr(below(text.size() + 1), below(20)));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(random_() & 0xFF);
    }
  }

  std::mt19937 random_;
};

TEST(FuzzSmoke, NoInputBreaksTheReaderOrTheDiff) {
  constexpr unsigned kSeed = 20250310;
  constexpr int kInputs = 40000;
  Mutator mutator(kSeed);
  for (int i = 0; i < kInputs; ++i) {
    const std::string input = mutator.next();
    SCOPED_TRACE("input " + std::to_string(i) + " of seed " + std::to_string(kSeed));
    ASSERT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size()), 0);
  }
}

}  // namespace
}  // namespace deltadrop
