import GRDB
import UploadCore

/// Statements, compiled once for each connection.
extension SQLiteJournal {
    func first<Value>(
        _ sql: String, _ arguments: (any DatabaseValueConvertible)?..., decode: (Row) throws -> Value
    ) throws(JournalError) -> Value? {
        try JournalError.translating {
            try readers.read { database in
                // The cursor ends the read when it goes, at the end of this closure.
                let rows = try Row.fetchCursor(
                    database.cachedStatement(sql: sql), arguments: StatementArguments(arguments))
                return try rows.next().map(decode)
            }
        }
    }

    /// A single number; nil also where there is no row. Without what a `Row` needs to know of its columns.
    func value(_ sql: String, _ arguments: (any DatabaseValueConvertible)?...) throws(JournalError) -> Int64? {
        try JournalError.translating {
            try readers.read { database in
                try Int64.fetchOne(database.cachedStatement(sql: sql), arguments: StatementArguments(arguments))
            }
        }
    }

    func all<Value>(
        _ sql: String, _ arguments: (any DatabaseValueConvertible)?..., decode: (Row) throws -> Value
    ) throws(JournalError) -> [Value] {
        var values: [Value] = []
        try each(sql, StatementArguments(arguments)) { values.append(try decode($0)) }
        return values
    }

    func each(
        _ sql: String, _ arguments: StatementArguments = StatementArguments(), _ use: (Row) throws -> Void
    ) throws(JournalError) {
        try JournalError.translating {
            try readers.read { database in
                let rows = try Row.fetchCursor(database.cachedStatement(sql: sql), arguments: arguments)
                while let row = try rows.next() { try use(row) }
            }
        }
    }
}

extension Database {
    /// Compiled once for the connection's life.
    func run(_ sql: String, _ arguments: (any DatabaseValueConvertible)?...) throws {
        try cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }
}
