#pragma once

// JSON-RPC 2.0 over HTTP (rpc_methods.hpp has the methods, http_server.hpp the limits,
// rpc_access.hpp who may call):
//
//   POST /, /rpc        one call or a batch; 200 also when calls fail, 204 for notifications only
//   GET /               the dashboard, a page for people
//   GET /events         what the dashboard shows, as server-sent events
//   GET /health/live    200 while the server runs
//   GET /health/ready   200 when the node does its work (health.hpp), else 503 and what is wrong
//
// Health is told to everybody, without a password: probes have none, and learn little.

#include "app/http_server.hpp"
#include "app/rpc_access.hpp"
#include "app/rpc_backend.hpp"

#include <memory>
#include <string>
#include <vector>

namespace timenode {

struct rpc_options {
  endpoint listen;  ///< Port 0: any.
  http_limits limits;
  /// Who may call when `listen` is not a loopback address; not asked for on one that is.
  std::vector<rpc_user> users;
  std::string cookie;  ///< NAME:PASSWORD; empty: none.
};

class rpc_server {
 public:
  /// Serves from now on. Fails when the port is in use, and for an address of other machines (not
  /// 127.0.0.0/8 or ::1) when there is nobody who may call: whoever can call can stop the node.
  static outcome<std::unique_ptr<rpc_server>> start(const rpc_options& options,
                                                    std::shared_ptr<rpc_backend> backend);
  ~rpc_server();

  /// Where it listens.
  endpoint local_endpoint() const noexcept;

 private:
  struct impl;
  explicit rpc_server(std::unique_ptr<impl> x);

  std::unique_ptr<impl> impl_;  ///< Its destructor ends everything at once.
};

}  // namespace timenode
