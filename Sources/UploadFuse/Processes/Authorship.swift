/// Which process changed an open file last, and who of those that hold it was killed. Pure but for the
/// table it asks.
///
/// The kernel closes the files of a killed program as if it had done so itself. What tells is who asks:
/// the flush of a dying program comes from its own thread. But it is the one that wrote last whose death
/// counts: a shell that only lent its descriptor may die, and a `cat` that was killed before the shell
/// closed the file has left a torn one.
struct Authorship: Sendable {
    /// The process of the last change; 0 when it is not known.
    private var author: Int32 = 0
    /// Of processes that flushed while they were dying.
    private var deaths: [Int32: ProcessTable.Death] = [:]
    /// Threads are asked for once: a WRITE comes from each of them many times.
    private var processes: [Int32: Int32] = [:]

    private static let maximumThreads = 256

    /// The content was changed by this thread.
    mutating func changed(by thread: Int32, _ table: ProcessTable) {
        author = process(of: thread, table)
        // Somebody who writes lives: the number was given out again.
        if !deaths.isEmpty { deaths[author] = nil }
    }

    /// This thread lets go of a descriptor.
    mutating func flushed(by thread: Int32, _ table: ProcessTable) {
        guard thread > 0, let death = table.death(thread) else { return }
        deaths[process(of: thread, table)] = death
    }

    /// This thread lets go of a copy that was lent to it: who wrote last is another one, lives, and has the file open
    /// still. A program that starts another one does that in the middle of its writing.
    mutating func isLent(to thread: Int32, _ table: ProcessTable) -> Bool {
        guard thread > 0, author > 0, process(of: thread, table) != author else { return false }
        return table.isAlive(author)
    }

    /// Set when what there is was left by somebody who was killed in the middle of it.
    var tear: (process: Int32, death: ProcessTable.Death)? {
        guard author > 0, let death = deaths[author] else { return nil }
        return (author, death)
    }

    private mutating func process(of thread: Int32, _ table: ProcessTable) -> Int32 {
        guard thread > 0 else { return 0 }
        if let known = processes[thread] { return known }
        if processes.count >= Self.maximumThreads { processes = [:] }
        let process = table.process(thread)
        processes[thread] = process
        return process
    }
}
