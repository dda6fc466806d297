/// What can go wrong with the journal.
package enum JournalError: Error, Sendable, Hashable {
    /// The disk that holds it is full.
    case noSpace
    /// SQLite refused: its result code and its words.
    case database(code: Int32, message: String)
}
