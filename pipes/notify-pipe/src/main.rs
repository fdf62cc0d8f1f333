fn main() -> std::process::ExitCode {
    notify_pipe::renderer().unwrap_or_else(pipe_core::run::<notify_pipe::NotifyPipe>)
}
