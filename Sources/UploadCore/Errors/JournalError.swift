/// What can go wrong with the journal.
package enum JournalError: Error, Sendable, Hashable {
    /// The disk that holds it is full.
    case noSpace
    /// Something else than this program has changed the file: what is wrong, in SQLite's words.
    case damaged(String)
    /// A newer version of uploadfs has written it.
    case newer
    /// SQLite refused: its result code and its words.
    case database(code: Int32, message: String)
}
