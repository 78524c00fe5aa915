import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

extension Doctor {
    /// Whether the copilot could listen where it should. It is no fault when a copilot listens there already.
    func port() async -> Finding {
        let place = "\(configuration.listen):\(configuration.port)"
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: configuration.listen, port: configuration.port).get()
            try await channel.close()
            return Finding("port", .good, "\(place) is free.")
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return Finding(
                "port", .warning, "Something listens on \(place) already.",
                remedy: "Nothing, if that is this copilot. Otherwise set port to another number.")
        } catch let error as IOError where error.errnoCode == EACCES {
            return Finding(
                "port", .fault, "This account may not listen on \(place).",
                remedy: "Set port to a number from 1024 up, and forward the low port to it.")
        } catch let error as IOError where error.errnoCode == EADDRNOTAVAIL {
            return Finding(
                "port", .fault, "This machine does not have the address \(configuration.listen).",
                remedy: "Set listen to one of its addresses; `ip address` shows them.")
        } catch {
            return Finding("port", .fault, "The copilot cannot listen on \(place): \(error).")
        }
    }
}
