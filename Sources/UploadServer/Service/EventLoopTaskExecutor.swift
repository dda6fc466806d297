import NIOCore

/// Runs tasks on an event loop, so that a request is read, hashed, written and answered without changing
/// threads, and a disk that makes writers wait holds up the server's threads, not those of everybody.
///
/// Only for loops that are never shut down (NIO's singleton): a job that comes after that would be lost.
final class EventLoopTaskExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
