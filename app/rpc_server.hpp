#pragma once

// JSON-RPC 2.0 over HTTP (rpc_methods.hpp has the methods, http_server.hpp the limits):
//
//   POST /              one call or a batch; 200 also when calls fail, 204 for notifications only
//   GET /health/live    200 while the server runs
//   GET /health/ready   200 when every actor answers and the store works, else 503 and what is
//   wrong

#include "app/http_server.hpp"
#include "app/rpc_backend.hpp"

#include <memory>

namespace timenode {

struct rpc_options {
  endpoint listen;  ///< A loopback address; port 0: any.
  http_limits limits;
};

class rpc_server {
 public:
  /// Serves from now on. Fails when the address is not this machine's own (127.0.0.0/8 or ::1):
  /// there is no authentication yet, and whoever can call can stop the node. Fails when the port is
  /// in use.
  static outcome<std::unique_ptr<rpc_server>> start(const rpc_options& options,
                                                    std::shared_ptr<rpc_backend> backend);

  /// Where it listens.
  endpoint local_endpoint() const noexcept { return http_->local_endpoint(); }

 private:
  explicit rpc_server(std::unique_ptr<http_server> http) : http_{std::move(http)} {}

  std::unique_ptr<http_server> http_;  ///< Its destructor ends everything at once.
};

}  // namespace timenode
