#include "actors/connection_factory.hpp"

namespace timenode {

namespace {

class transport_factory final : public connection_factory {
 public:
  transport_factory(node_context context, net::transport& transport, bool bind_local)
      : context_{std::make_shared<const node_context>(std::move(context))}, transport_{transport},
        bind_local_{bind_local} {}

  peer_connection_actor dial(connection_registry_actor::pointer registry, const link_spec& spec,
                             const shared_routes& routes) override {
    // A socket of one family cannot be bound to an address of the other.
    const auto bind =
        bind_local_ && context_->local_ip && context_->local_ip->is_v4() == spec.remote.ip.is_v4();
    return spawn(registry, spec,
                 transport_.dial(spec.remote, bind ? context_->local_ip : std::nullopt), routes);
  }

  peer_connection_actor accept(connection_registry_actor::pointer registry, const link_spec& spec,
                               std::uint64_t accepted, const shared_routes& routes) override {
    auto connection = transport_.take(accepted);
    return connection ? spawn(registry, spec, std::move(connection), routes)
                      : peer_connection_actor{};
  }

  void reject(std::uint64_t accepted, const std::string& reason) override {
    if (auto connection = transport_.take(accepted))
      connection->close(reason);
  }

 private:
  peer_connection_actor spawn(connection_registry_actor::pointer registry, const link_spec& spec,
                              net::connection_ptr connection, const shared_routes& routes) {
    return registry->spawn<peer_connection>(context_, spec, std::move(connection),
                                            connection_registry_actor{registry}, routes);
  }

  std::shared_ptr<const node_context> context_;
  net::transport& transport_;
  bool bind_local_;
};

}  // namespace

std::unique_ptr<connection_factory>
make_connection_factory(node_context context, net::transport& transport, bool bind_local) {
  return std::make_unique<transport_factory>(std::move(context), transport, bind_local);
}

}  // namespace timenode
