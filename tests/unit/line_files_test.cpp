// Small lists in files: what was saved is loaded, and a failure leaves what was there.

#include "app/line_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace timenode;
using namespace timenode::app;
namespace fs = std::filesystem;

namespace {

struct fixture {
  fixture() {
    auto name = (fs::temp_directory_path() / "timenode-lines-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    dir = name;
  }
  ~fixture() {
    ::chmod(dir.c_str(), 0755);
    fs::remove_all(dir);
  }

  std::vector<std::string> load(const std::string& name = "access") {
    auto x = line_files{dir}.load(name);
    REQUIRE_MESSAGE(x.has_value(), (x ? "" : x.error().reason));
    return *x;
  }

  fs::path dir;
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(fixture, "what was saved is there after a restart, each list by itself") {
  line_files files{dir};
  CHECK(load().empty());
  CHECK(files.save("access", {"one\ttwo", "three"}).has_value());
  CHECK(files.save("addresses", {"x"}).has_value());
  CHECK(load() == lines{"one\ttwo", "three"});
  CHECK(load("addresses") == lines{"x"});
  CHECK(files.save("access", {}).has_value());
  CHECK(load().empty());
}

TEST_CASE_FIXTURE(fixture, "a writing that was cut off leaves the list that was there") {
  line_files files{dir};
  CHECK(files.save("access", {"old"}).has_value());
  std::ofstream{dir / "access.list.new"} << "half a li";  // a crash while it was written
  CHECK(load() == lines{"old"});
  CHECK(files.save("access", {"new"}).has_value());
  CHECK(load() == lines{"new"});
  CHECK_FALSE(fs::exists(dir / "access.list.new"));
}

TEST_CASE_FIXTURE(fixture, "empty lines and a missing line break at the end are no matter") {
  std::ofstream{dir / "access.list"} << "\none\n\n\ntwo";
  CHECK(load() == lines{"one", "two"});
}

TEST_CASE_FIXTURE(fixture,
                  "a list that cannot be written says which and why, and the old one stays") {
  line_files files{dir};
  CHECK(files.save("access", {"old"}).has_value());
  fs::create_directory(dir / "access.list.new");  // in the way, also of a root user
  const auto x = files.save("access", {"new"});
  REQUIRE_FALSE(x.has_value());
  CHECK(x.error().reason.find((dir / "access.list").string()) != std::string::npos);
  CHECK(load() == lines{"old"});
}

TEST_CASE_FIXTURE(fixture, "a full disk is named as such") {
  fs::create_symlink("/dev/full", dir / "access.list.new");
  const auto x = line_files{dir}.save("access", {"new"});
  REQUIRE_FALSE(x.has_value());
  CHECK(x.error().reason.find("the disk is full") != std::string::npos);
}

TEST_CASE_FIXTURE(
    fixture, "a list that cannot be read, or is none of ours, is a reason that names the file") {
  fs::create_directory(dir / "access.list");
  auto x = line_files{dir}.load("access");
  REQUIRE_FALSE(x.has_value());
  CHECK(x.error().reason.find("access.list") != std::string::npos);
  std::ofstream{dir / "huge.list"} << std::string(max_list_bytes + 1, 'x');
  x = line_files{dir}.load("huge");
  REQUIRE_FALSE(x.has_value());
  CHECK(x.error().reason.find("16 MiB") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "whoever reads while others write sees one whole list or the other") {
  line_files files{dir};
  CHECK(files.save("access", lines(1000, "a")).has_value());
  std::atomic<bool> done = false;
  std::thread writer{[&] {
    for (int i = 0; i < 50; ++i)
      static_cast<void>(files.save("access", lines(1000, i % 2 == 0 ? "b" : "a")));
    done = true;
  }};
  int read = 0;
  while (!done) {
    const auto x = load();
    CHECK(x.size() == 1000);
    CHECK(x.front() == x.back());
    ++read;
  }
  writer.join();
  CHECK(read > 0);
}
