import Dispatch
import Foundation
import Synchronization

/// Seeds that are run side by side, as many at once as the machine has processors: each waits often, for a process
/// or for a disk, and each has a mount of its own.
enum Seeds {
    /// - Parameter variable: the environment's, `FIRST-LAST`, for others than those of every run.
    static func range(_ variable: String, default seeds: ClosedRange<Int>) -> ClosedRange<Int> {
        let words = ProcessInfo.processInfo.environment[variable]?.split(separator: "-") ?? []
        let numbers = words.compactMap { Int($0) }
        return numbers.count == 2 ? numbers[0]...numbers[1] : seeds
    }

    /// What lanes share: the next seed, until one of them found a problem.
    final class Queue: Sendable {
        private struct State {
            var next: Int
            var problems: [String] = []
        }
        private let last: Int
        private let state: Mutex<State>

        fileprivate init(_ seeds: ClosedRange<Int>) {
            last = seeds.upperBound
            state = Mutex(State(next: seeds.lowerBound))
        }

        func next() -> Int? {
            state.withLock { state in
                guard state.problems.isEmpty, state.next <= last else { return nil }
                defer { state.next += 1 }
                return state.next
            }
        }

        /// Nothing is begun after this.
        func found(_ problem: String) {
            state.withLock { $0.problems.append(problem) }
        }

        fileprivate var problems: [String] { state.withLock { $0.problems } }
    }

    /// - Parameter lane: takes seeds until there are no more; called on several threads at once. What it throws is a
    ///   problem too.
    /// - Returns: the problems found.
    static func run(_ seeds: ClosedRange<Int>, _ lane: @Sendable (Queue) throws -> Void) -> [String] {
        let queue = Queue(seeds)
        DispatchQueue.concurrentPerform(iterations: max(2, ProcessInfo.processInfo.activeProcessorCount)) { _ in
            do { try lane(queue) } catch { queue.found("\(error)") }
        }
        return queue.problems
    }
}
