import GRDB
import Glibc
import UploadCore

extension JournalError {
    /// Runs what speaks to SQLite, and says in the seam's words what went wrong.
    static func translating<Result>(_ body: () throws -> Result) throws(JournalError) -> Result {
        do {
            return try body()
        } catch let error as JournalError {
            throw error
        } catch let error as DatabaseError {
            throw JournalError(error)
        } catch {
            throw .damaged("\(error)")
        }
    }

    init(_ error: DatabaseError) {
        // SQLite calls EDQUOT and a full disk below the shared index I/O errors.
        // (https://www.sqlite.org/rescode.html#ioerr_shmsize)
        if error.resultCode == .SQLITE_FULL || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE {
            self = .noSpace
            return
        }
        let message = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(message)
        default: self = .database(code: error.extendedResultCode.rawValue, message: message)
        }
    }

    init(_ failure: SystemFailure) {
        switch failure.errno {
        case ENOSPC, EDQUOT: self = .noSpace
        default:
            self = .database(
                code: ResultCode.SQLITE_IOERR.rawValue,
                message: "\(failure.call): \(String(cString: strerror(failure.errno)))")
        }
    }
}
