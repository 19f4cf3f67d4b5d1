// The program `timenode`. What it can do is in command_line.hpp; what it does then in commands.hpp.

#include "app/commands.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace timenode::app;

int print(const print_command& x) {
  std::fputs(x.text.c_str(), x.status == 0 ? stdout : stderr);
  return x.status;
}

template <class... F>
struct one_of : F... {
  using F::operator()...;
};
template <class... F>
one_of(F...) -> one_of<F...>;

int carry_out(const command& chosen) {
  return std::visit(one_of{
                        [](const run_command& x) { return run_node(x); },
                        [](const transfer_command& x) { return run_transfer(x); },
                        [](const testnet_command& x) { return run_testnet(x); },
                        [](const simulate_command& x) { return run_simulate(x); },
                        [](const query_command& x) { return run_query(x); },
                        [](const access_command& x) { return run_access(x); },
                        [](const wallet_command& x) { return run_wallet(x); },
                        [](const call_command& x) { return run_call(x); },
                        [](const config_command& x) { return run_config(x); },
                        [](const restore_command& x) { return run_restore(x); },
                        [](const check_command& x) { return run_check(x); },
                        [](const migrate_command& x) { return run_migrate(x); },
                        [](const rpcauth_command& x) { return run_rpcauth(x); },
                        [](const key_command& x) { return run_key(x); },
                        [](const replay_command& x) { return run_replay(x); },
                        [](const top_command& x) { return run_top(x); },
                        [](const print_command& x) { return print(x); },
                    },
                    chosen);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    raise_file_limit();
    return carry_out(
        parse_command_line(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc)));
  } catch (const std::exception& x) {
    // Nothing of ours throws across its border: this is a lack of memory, or a fault.
    std::fprintf(stderr, "timenode: %s\n", x.what());
    return 1;
  }
}
