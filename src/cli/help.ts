export const help = `Takes a failed deployment back to the last good version, and verifies that it serves.

  pop-deploy-rollback init     [--yes]           writes deploy.json from what is found, and records what serves now
  pop-deploy-rollback assess   [--target T] [--to V] [--investigate] [--rehearse] [--with-config]
  pop-deploy-rollback rollback [--target T] [--to V] [--accept RISK]... [--rehearse] [--with-config] [--freeze [--until 24h|TIME] [--reason X]] [--dry-run | --auto] [--plan ID]
  pop-deploy-rollback verify   [--rollback ID | --target T] [--soak SECONDS]
  pop-deploy-rollback report   [--rollback ID | --target T] [--severity P1|P2|P3|P4] [--root-cause X] [--impact X] [--notes X]
  pop-deploy-rollback list     [--target T]
  pop-deploy-rollback status
  pop-deploy-rollback freeze   --target T --version V [--until 24h|TIME] [--reason X]   keeps a bad version from being deployed again
  pop-deploy-rollback unfreeze [--target T] [--version V]
  pop-deploy-rollback record   --target T --version V --status success|failed [--digest D] [--commit C] [--duration-ms N] [--error X] [--force]
  pop-deploy-rollback watch    [--target T|all] [--for 15m] [--auto]      after a deployment: follows health and signals, records how it served
  pop-deploy-rollback record   --rollback ID                  a manual rollback, once a person has done it
  pop-deploy-rollback serve                      the MCP server, over stdin and stdout
  pop-deploy-rollback help | --version

rollback shows the plan and asks on the terminal. Without a terminal it changes nothing, except with
  --auto     roll back unattended: only if the committed deploy.json says automatic: true for the target, the current
             version failed, a candidate is recommended and no serious risk is open; then verifies and writes the report
  --rehearse start the candidate in isolation, and require it to be healthy before anything is stopped (Docker containers, Kubernetes)
  --with-config  restore the environment and command, too, that the version had (Docker containers, Compose)
  --freeze   once it is done, freeze the version that was left
  --dry-run  check every precondition and change nothing
  --plan ID  refuse unless the plan is still this one; also finishes or undoes an interrupted rollback, with --to its version
watch ends with 0 when the version served well for the whole time, and records it; with 1 when it failed. Signals: docs/signals.md.
record refuses a success of a version that the target does not show, or that is frozen; --force writes it all the same.
--verbose shows everything, the id of the plan included. --json prints one JSON object. Progress goes to stderr.

Exit codes: 0 done or healthy; 1 the rollback did not succeed, or unhealthy; 2 not possible as asked, or declined;
3 configuration or credentials; 4 the target refused or failed; 5 unverified, inconclusive, or a manual step remains;
6 a condition of --auto is not met, nothing was changed; 70 a fault of this program.`
