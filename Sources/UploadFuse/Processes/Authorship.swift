/// Which process changed an open file last, and who of those that hold it was killed. Pure but for the
/// table it asks.
///
/// The kernel closes the files of a killed program as if it had done so itself. What tells is who asks:
/// the flush of a dying program comes from its own thread. But it is the one that wrote last whose death
/// counts: a shell that only lent its descriptor may die, and a `cat` that was killed before the shell
/// closed the file has left a torn one.
struct Authorship: Sendable {
    /// The process of the last change; 0 when it is not known.
    private(set) var author: Int32 = 0
    /// Of processes that flushed while they were dying.
    private var deaths: [Int32: ProcessTable.Death] = [:]
    /// Who died and had not closed what it had written, though another one may have changed something since.
    private var torn: (process: Int32, death: ProcessTable.Death)?
    /// Threads are asked for once: a WRITE comes from each of them many times.
    private var processes: [Int32: Int32] = [:]

    private static let maximumThreads = 256

    /// The content was changed by this thread.
    mutating func changed(by thread: Int32, _ table: ProcessTable) {
        author = process(of: thread, table)
        torn = nil
        // Somebody who writes lives: the number was given out again.
        if !deaths.isEmpty { deaths[author] = nil }
    }

    /// The kernel writes what was changed in a shared mapping, whenever it likes, and does not say whose it was: of the
    /// writers that are known it takes no word, and else it is who opened the file.
    mutating func written(throughMapOf opener: Int32) {
        if author == 0 { author = opener }
    }

    /// Somebody lets go of a descriptor.
    /// - Parameter writer: who wrote through it last; 0: nobody, or not known.
    mutating func flushed(by flusher: ProcessTable.Flusher, of writer: Int32) {
        guard let death = flusher.death else { return }
        deaths[flusher.process] = death
        if author > 0, writer == flusher.process { torn = (writer, death) }
    }

    /// Set when what there is was left by somebody who was killed in the middle of it.
    var tear: (process: Int32, death: ProcessTable.Death)? {
        if let torn { return torn }
        guard author > 0, let death = deaths[author] else { return nil }
        return (author, death)
    }

    /// The process of a thread, asked for once; 0: not known.
    mutating func process(of thread: Int32, _ table: ProcessTable) -> Int32 {
        guard thread > 0 else { return 0 }
        if let known = processes[thread] { return known }
        if processes.count >= Self.maximumThreads { processes = [:] }
        let process = table.process(thread)
        processes[thread] = process
        return process
    }
}
