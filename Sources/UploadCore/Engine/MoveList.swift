internal import DequeModule

/// The moves and deletions that the journal owes, in memory: who is next, and who waits for whom. Pure.
struct MoveList: Sendable {
    struct Move: Sendable {
        let owed: OwedMove
        var machine = MoveMachine()
        /// The request that is under way.
        var task: Task<Void, Never>?
        /// Its settling time, or its pause.
        var timer: Task<Void, Never>?
    }

    private var moves: [Int64: Move] = [:]
    private var ofFiles: [FileID: Int64] = [:]
    private var line = Deque<Int64>()
    private var parked: [UploadPath: [Int64]] = [:]
    /// The highest number that there was.
    private(set) var last: Int64 = 0

    subscript(_ number: Int64) -> Move? {
        get { moves[number] }
        // Not one that is gone.
        set { if moves[number] != nil { moves[number] = newValue } }
    }

    var numbers: [Int64] { moves.keys.sorted() }

    func number(of file: FileID) -> Int64? { ofFiles[file] }

    mutating func insert(_ owed: OwedMove) {
        last = max(last, owed.number)
        moves[owed.number] = Move(owed: owed)
        if let file = owed.file { ofFiles[file] = owed.number }
    }

    @discardableResult
    mutating func remove(_ number: Int64) -> Move? {
        guard let move = moves.removeValue(forKey: number) else { return nil }
        if let file = move.owed.file, ofFiles[file] == number { ofFiles[file] = nil }
        return move
    }

    /// It stands in line if it has something to do.
    mutating func enqueue(_ number: Int64) {
        if moves[number]?.machine.isReady == true { line.append(number) }
    }

    /// Whose turn it is; nil: nobody's. One may stand in line twice, and have nothing to do the second time.
    mutating func next() -> Int64? {
        while let number = line.popFirst() {
            if moves[number]?.machine.isReady == true { return number }
        }
        return nil
    }

    /// It waits until nothing happens under this path.
    mutating func park(_ number: Int64, at path: UploadPath) {
        parked[path, default: []].append(number)
    }

    mutating func unpark(_ path: UploadPath) {
        for number in parked.removeValue(forKey: path) ?? [] { enqueue(number) }
    }
}

extension OwedMove {
    /// Where it stands on the status board: below all versions of its file.
    var listed: VersionID { VersionID(-number) }
}
