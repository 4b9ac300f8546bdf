/** A directory in which nothing can be made, and no relative path names a file. */
const nowhere = "/proc/self/fdinfo";

/**
 * Leaves the working directory where that was removed: threads ask for it as they start, and would die. To whoever asks for it in this thread it
 * stays removed, so that no relative path is taken for another.
 */
export function leaveRemovedDirectory(): void {
  try {
    process.cwd();
  } catch (error) {
    process.chdir(process.platform === "linux" ? nowhere : "/");
    process.cwd = () => {
      throw error;
    };
  }
}
