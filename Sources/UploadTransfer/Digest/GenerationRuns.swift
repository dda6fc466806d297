import UploadCore

/// The generations of the chunks 0, 1, 2 … of a file, kept as runs of equal ones: most files are
/// written once, and then this is one number however many chunks there are.
struct GenerationRuns {
    private var runs: [(count: Int, generation: UInt32)] = []
    private(set) var count = 0

    mutating func append(_ generation: UInt32) {
        count += 1
        if let last = runs.indices.last, runs[last].generation == generation {
            runs[last].count += 1
        } else {
            runs.append((1, generation))
        }
    }

    subscript(index: ChunkIndex) -> UInt32? {
        var first = 0
        for run in runs {
            if index < first + run.count { return run.generation }
            first += run.count
        }
        return nil
    }

    /// Whether these are the first of `chunks` (which are in order from 0).
    func begin(_ chunks: [ChunkRef]) -> Bool {
        guard count <= chunks.count else { return false }
        var index = 0
        for run in runs {
            for chunk in chunks[index..<index + run.count] where chunk.generation != run.generation { return false }
            index += run.count
        }
        return true
    }
}
