import GRDB
import Synchronization

/// Connections that only read, each by one thread at a time.
///
/// Not a DatabasePool, which asks with every read whether another process has changed the schema, by a query of its own:
/// a journal has one process, and most reads are of one row.
final class JournalReaders: Sendable {
    private let open: @Sendable () throws -> DatabaseQueue
    /// More than these are closed after their use.
    private let most: Int
    private let idle: Mutex<Idle>

    private struct Idle {
        /// The one that was used last comes first: its statements are compiled.
        var connections: [DatabaseQueue] = []
        var isClosed = false
    }

    /// - Parameter open: makes a connection.
    init(most: Int, open: @escaping @Sendable () throws -> DatabaseQueue) {
        self.most = most
        self.open = open
        idle = Mutex(Idle())
    }

    /// What is read is what had been committed when it was begun, or later. No transaction is around it.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let known = try idle.withLock { idle in
            guard !idle.isClosed else { throw Self.closed }
            return idle.connections.popLast()
        }
        let connection = try known ?? open()
        defer { giveBack(connection) }
        return try connection.unsafeRead(body)
    }

    private func giveBack(_ connection: DatabaseQueue) {
        // One that is not kept is closed by its deinit.
        idle.withLock { idle in
            if !idle.isClosed, idle.connections.count < most { idle.connections.append(connection) }
        }
    }

    /// Later reads throw.
    func close() throws {
        let connections = idle.withLock { idle in
            defer { idle = Idle(isClosed: true) }
            return idle.connections
        }
        for connection in connections { try connection.close() }
    }

    private static let closed = DatabaseError(resultCode: .SQLITE_MISUSE, message: "the journal is closed")
}
