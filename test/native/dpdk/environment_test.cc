// Finding the driver and starting EAL: what works, what is refused, and that a mistake does not use up the
// one start a process has.
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dpdk/dpdk_testing.h"

namespace onpath::testing {
namespace {

using DpdkEnvironment = Dpdk;

TEST(DpdkLoader, AMissingDriverIsOneErrorThatSaysWhatWasLookedForWhereAndWhatToInstall) {
  TemporaryFolder folder;
  in_child([&] {
    setenv("ONPATH_DRIVER_PATH", folder.path().c_str(), 1);
    const auto started = start_dpdk({});
    EXPECT_EQ(code_of(started), "DRIVER_MISSING");
    for (const char* part :
         {"libonpath_dpdk.so.", "23", folder.path().c_str(), "apt-get install libdpdk-dev"})
      EXPECT_NE(message_of(started).find(part), std::string::npos) << part << ": " << message_of(started);
  });
}

TEST(DpdkLoader, ADriverThatDoesNotLoadIsNamedWithTheLoadersReason) {
  TemporaryFolder folder;
  std::ofstream(folder.path() + "/libonpath_dpdk.so.99") << "not a library";
  in_child([&] {
    setenv("ONPATH_DRIVER_PATH", folder.path().c_str(), 1);
    const auto started = start_dpdk({});
    EXPECT_EQ(code_of(started), "DRIVER_MISSING");
    for (const char* part : {"libonpath_dpdk.so.99: ", "file too short", "librte-meta-net"})
      EXPECT_NE(message_of(started).find(part), std::string::npos) << part << ": " << message_of(started);
  });
}

#ifdef ONPATH_DPDK_DRIVER
TEST_F(DpdkEnvironment, OfSeveralDriversTheNewestThatLoadsIsTaken) {
  TemporaryFolder folder;
  std::ofstream(folder.path() + "/libonpath_dpdk.so.99") << "not a library";
  std::filesystem::create_symlink(ONPATH_DPDK_DRIVER, folder.path() + "/libonpath_dpdk.so.23");
  in_child([&] {
    setenv("ONPATH_DRIVER_PATH", folder.path().c_str(), 1);
    start_plainly();
  });
}
#endif

TEST_F(DpdkEnvironment, TheThreadThatStartsItKeepsItsAffinity) {
  in_child([] {
    cpu_set_t before, after;
    sched_getaffinity(0, sizeof before, &before);
    ASSERT_TRUE(start_plainly());
    OpenPort port("net_null0");
    sched_getaffinity(0, sizeof after, &after);
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
  });
}

TEST_F(DpdkEnvironment, ASecondStartIsFineWithEqualOptionsAndRefusedWithTheFirstDifference) {
  in_child([] {
    ASSERT_TRUE(start_plainly());
    EXPECT_EQ(code_of(start_dpdk({})), "ok");
    EXPECT_EQ(code_of(start_dpdk(plain_options())), "ok");
    DpdkOptions other = plain_options();
    other.memory_mb = 512;
    const auto started = start_dpdk(other);
    EXPECT_EQ(code_of(started), "EAL_CONFLICT");
    EXPECT_NE(message_of(started).find("memoryMb is 512 here, but 256 there"), std::string::npos)
        << message_of(started);
  });
}

TEST_F(DpdkEnvironment, TooFewHugepagesAreFoundOutBeforeTheOneStartIsUsedUp) {
  in_child([] {
    DpdkOptions options;
    options.memory_mb = 1u << 24;
    const auto started = start_dpdk(options);
    EXPECT_EQ(code_of(started), "NO_HUGEPAGES");
    for (const char* part : {"16777216 MB", "nr_hugepages", "hugepages: false"})
      EXPECT_NE(message_of(started).find(part), std::string::npos) << part << ": " << message_of(started);
    start_plainly();
  });
}

TEST_F(DpdkEnvironment, OptionsOutOfRangeAreRefusedWithoutUsingUpTheStart) {
  in_child([] {
    const auto refused = [](auto change) {
      DpdkOptions options = plain_options();
      change(options);
      return code_of(start_dpdk(options));
    };
    EXPECT_EQ(refused([](auto& options) { options.plugins = "/nowhere"; }), "INVALID_ARGUMENT");
    EXPECT_EQ(refused([](auto& options) { options.iova = "xa"; }), "INVALID_ARGUMENT");
    EXPECT_EQ(refused([](auto& options) { options.log_level = 9; }), "INVALID_ARGUMENT");
    EXPECT_EQ(refused([](auto& options) { options.file_prefix = "a/b"; }), "INVALID_ARGUMENT");
    EXPECT_EQ(refused([](auto& options) { options.file_prefix = ".."; }), "INVALID_ARGUMENT");
    EXPECT_EQ(refused([](auto& options) { options.control_cpu = 1023; }), "INVALID_ARGUMENT");
    EXPECT_EQ(refused([](auto& options) { options.memory_mb = 8; }), "INVALID_ARGUMENT");
    start_plainly();
  });
}

TEST_F(DpdkEnvironment, AFailureThatDpdkCannotRepeatIsToldAgainAtOnce) {
  in_child([] {
    TemporaryFolder folder;
    const std::string plugin = folder.path() + "/no-library.so";
    std::ofstream(plugin) << "text";
    DpdkOptions options = plain_options();
    options.plugins = plugin;
    const auto first = start_dpdk(options);
    EXPECT_EQ(code_of(first), "EAL_FAILED");
    for (const char* part : {"no-library.so", "DPDK said", "cannot be started again"})
      EXPECT_NE(message_of(first).find(part), std::string::npos) << part << ": " << message_of(first);
    EXPECT_EQ(message_of(start_dpdk(plain_options())), message_of(first));
    EXPECT_EQ(message_of(start_dpdk({})), message_of(first));
  });
}

TEST_F(DpdkEnvironment, ArgumentsThatEndTheProcessOrContradictAnOptionAreRefusedByName) {
  const std::vector<std::string> refused[] = {{"--help"},
                                              {"-h"},
                                              {"--version"},
                                              {"-v"},
                                              {"--proc-type=auto"},
                                              {"-l", "0"},
                                              {"-l0"},
                                              {"-c1"},
                                              {"--lcores=0"},
                                              {"-s1"},
                                              {"-S0"},
                                              {"--main-lcore=0"},
                                              {"--file-prefix=x"},
                                              {"--no-huge"},
                                              {"--in-memory"},
                                              {"--huge-unlink"},
                                              {"--huge-dir=/x"},
                                              {"--legacy-mem"},
                                              {"--no-shconf"},
                                              {"-m64"},
                                              {"-a", "0000:00:00.0"},
                                              {"-b1"},
                                              {"--vdev=net_null0"},
                                              {"--no-telemetry"},
                                              {"--iova-mode=va"},
                                              {"-d", "/tmp"},
                                              {"--syslog=auth"},
                                              {"--log-level=help"},
                                              {"--log-level=help:8x"},
                                              {"--hel"},
                                              {"--"},
                                              {"net_null0"},
                                              {""},
                                              {"-"},
                                              {"-n"},
                                              {"-nx"},
                                              {"--no-hpet=1"},
                                              {"--trace=eal"},
                                              {"--socket-mem=64"}};
  for (const auto& arguments : refused) {
    in_child([&] {
      DpdkOptions options = plain_options();
      options.arguments = arguments;
      const auto started = start_dpdk(options);
      EXPECT_EQ(code_of(started), "INVALID_ARGUMENT") << arguments[0];
      const std::string& argument = arguments[0];
      const std::string name =
          argument.starts_with("--") ? argument.substr(0, argument.find('=')) : argument.substr(0, 2);
      EXPECT_NE(message_of(started).find(name), std::string::npos) << message_of(started);
    });
  }
}

TEST_F(DpdkEnvironment, HarmlessArgumentsArePassedOn) {
  in_child([] {
    DpdkOptions options = plain_options();
    options.arguments = {"-n", "4", "-r2", "--no-hpet", "--log-level=pmd.net.null:debug", "--no-pci"};
    EXPECT_EQ(message_of(start_dpdk(options)), "");
    OpenPort port("net_null0");
  });
}

}  // namespace
}  // namespace onpath::testing
