/// Wishes about a destination that speaks the native protocol.
package struct NativeOptions: Sendable, Hashable {
    /// Chunks of one file under way at once.
    package var parallelChunks: Int
    /// Bytes of every chunk, whatever the content type; nil: as the protocol has it.
    package var chunkSize: Int64?
    /// How long the answer to a plain PUT may take once its bytes are sent: it comes after an fsync.
    package var putAnswerTime: Duration
    /// The same for a finalize, at least: see `finishAnswerTime(size:)`.
    package var finishAnswerTime: Duration
    /// A word of 64 bytes at most that is this client's for as long as it keeps its state: its sessions are found by it.
    package var origin: String
    /// A word for this run of it.
    package var run = String(UInt64.random(in: .min ... .max), radix: 36)

    package init(
        parallelChunks: Int = 3, chunkSize: Int64? = nil, putAnswerTime: Duration = .seconds(30),
        finishAnswerTime: Duration = .seconds(60), origin: String = ""
    ) {
        self.parallelChunks = max(1, parallelChunks)
        self.chunkSize = chunkSize
        self.putAnswerTime = putAnswerTime
        self.finishAnswerTime = finishAnswerTime
        self.origin = origin
    }

    /// How long a finalize may take: the server may have to bring the whole file to its disk and to
    /// read it again, and a slow disk does 32 MiB a second.
    ///
    /// | size | time |
    /// | --- | --- |
    /// | 1 MiB | 60 s |
    /// | 1 GiB | 92 s |
    /// | 1 TiB | 9 h 7 min |
    func finishAnswerTime(size: Int64) -> Duration {
        finishAnswerTime + .seconds(size / (32 << 20))
    }
}
