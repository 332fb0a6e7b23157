/** Which function a report is about: where the processor was, else the first of the call trace that is not there for every failure. */
import { functionName } from "./titles.ts";

/** Where the processor was in the kernel. */
const HERE = ["RIP: ", "EIP: ", "EIP is at ", "IP: ", "pc : ", "PC is at "];
/** Longer symbols are none. */
const MAX_SYMBOL = 200;

/** Functions that are on the way to every failure, or that many wait in. */
const COMMON = new Set(
	(
		"dump_stack dump_stack_lvl show_stack panic nmi_panic die die_addr oops_end oops_exit oops_enter no_context bad_area bad_area_nosemaphore " +
		"page_fault do_page_fault page_fault_oops exc_page_fault do_user_addr_fault do_kern_addr_fault general_protection invalid_op divide_error error_entry " +
		"report_bug handle_bug fixup_bug warn_slowpath_common warn_slowpath_fmt warn_slowpath_null kasan_report " +
		"print_address_description print_report kasan_check_range kasan_save_stack memcpy memset memmove memcmp strlen strcmp strcpy " +
		"schedule __schedule schedule_timeout schedule_timeout_uninterruptible schedule_preempt_disabled schedule_hrtimeout_range io_schedule " +
		"io_schedule_timeout schedule_hrtimeout preempt_schedule preempt_schedule_common preempt_schedule_irq __cond_resched _cond_resched " +
		"wait_for_completion wait_for_completion_io wait_for_common __wait_for_common wait_for_completion_killable wait_for_completion_timeout __wait_on_bit out_of_line_wait_on_bit " +
		"bit_wait bit_wait_io wait_on_bit __wait_on_bit_lock __lock_page lock_page __folio_lock folio_wait_bit folio_wait_bit_common wait_on_page_bit wait_on_page_bit_common " +
		"wait_on_page_writeback folio_wait_writeback __wait_on_buffer sleep_on_page sleep_on_buffer rq_qos_wait wbt_wait __rq_qos_throttle blk_mq_get_tag __blk_mq_alloc_requests " +
		"ret_from_fork ret_from_fork_asm kthread kthread_worker_fn worker_thread process_one_work entry_SYSCALL_64_after_hwframe system_call_fastpath " +
		"do_syscall_64 x64_sys_call sysret_check el0_svc el0_svc_common el0_svc_handler el0t_64_sync invoke_syscall do_el0_svc " +
		"apic_timer_interrupt smp_apic_timer_interrupt hrtimer_interrupt __hrtimer_run_queues __run_hrtimer tick_sched_timer tick_sched_handle tick_nohz_handler " +
		"update_process_times scheduler_tick watchdog_timer_fn watchdog_overflow_callback perf_event_overflow __perf_event_overflow nmi nmi_handle default_do_nmi do_nmi " +
		"exc_nmi end_repeat_nmi asm_exc_nmi unknown_nmi_error rcu_check_callbacks rcu_sched_clock_irq print_cpu_stall print_other_cpu_stall rcu_dump_cpu_stacks " +
		"sched_show_task show_regs nmi_cpu_backtrace nmi_trigger_cpumask_backtrace arch_trigger_cpumask_backtrace trigger_single_cpu_backtrace " +
		"irq_exit irq_exit_rcu __irq_exit_rcu do_IRQ common_interrupt ret_from_intr __do_softirq do_softirq do_softirq_own_stack handle_irq_event call_softirq " +
		"__list_add_valid __list_del_entry_valid __list_add_valid_or_report __list_del_entry_valid_or_report list_del __list_add __list_del_entry " +
		"__schedule_bug ___might_sleep __might_sleep __might_resched native_safe_halt default_idle native_queued_spin_lock_slowpath pv_native_safe_halt"
	).split(" "),
);
const COMMON_BEGINNINGS = [
	"asm_",
	"exc_",
	"do_trap",
	"do_error_trap",
	"do_invalid_op",
	"do_divide_error",
	"do_general_protection",
	"__kasan",
	"__asan",
	"sysvec_",
	"__sysvec_",
	"rcu_gp_",
	"out_of_line_wait",
];

/** Who waits in one of these waits for a lock that another task holds. */
const LOCKS = [
	"mutex_lock",
	"__mutex_lock",
	"rwsem_down_",
	"__rwsem_down",
	"down_read",
	"down_write",
	"__down",
	"down_timeout",
	"down",
	"rt_mutex",
	"__rt_mutex",
	"rtlock_",
	"percpu_rwsem_wait",
	"percpu_down",
	"__percpu_down",
	"call_rwsem_down",
	"ww_mutex",
];
const IO_WAITS = [
	"io_schedule",
	"bit_wait_io",
	"wait_for_completion_io",
	"blk_mq_get_tag",
	"rq_qos_wait",
	"blk_execute_rq",
	"submit_bio_wait",
];

export class Stack {
	#here = "";
	#frame = "";
	/** It waits for a lock. */
	isLocked = false;
	/** It waits for a disk. */
	waitsForDisk = false;

	/** Of a report's lines, in their order. */
	add(line: string): void {
		const here = HERE.find((each) => line.startsWith(each));
		if (here !== undefined) {
			if (this.#here === "") this.#here = functionAt(line.slice(here.length));
			return;
		}
		// Of lockdep, which names where a lock is asked for.
		const lock = line.lastIndexOf(", at: ");
		const name = lock < 0 ? frameOf(line) : functionAt(line.slice(lock));
		if (name === undefined || name === "" || this.#frame !== "") return;
		if (LOCKS.some((each) => name.startsWith(each))) this.isLocked = true;
		else if (IO_WAITS.some((each) => name.startsWith(each))) this.waitsForDisk = true;
		else if (!isCommon(name)) this.#frame = name;
	}

	/** Where the processor was; empty where that is not told, or says nothing. */
	get here(): string {
		return isCommon(this.#here) ? "" : this.#here;
	}

	/** The first of the call trace that says anything; empty without one. */
	get frame(): string {
		return this.#frame;
	}
}

function isCommon(name: string): boolean {
	return (
		COMMON.has(name) ||
		COMMON_BEGINNINGS.some((each) => name.startsWith(each)) ||
		LOCKS.some((each) => name.startsWith(each))
	);
}

/** The first symbol with an offset: "0010:[<ffffffff81>]  [<ffffffff81>] name+0x12/0x34 [module]". */
function functionAt(text: string): string {
	const end = text.indexOf("+0x");
	if (end < 0) return "";
	let from = end;
	while (from > 0 && end - from < MAX_SYMBOL && /[\w.$]/.test(text.charAt(from - 1))) from--;
	return functionName(text.slice(from, end));
}

/** Of a line of a call trace; undefined for any other, and for what the kernel itself doubts ("? name"). */
function frameOf(line: string): string | undefined {
	const text = line.startsWith("[<") ? line.slice(line.indexOf(">]") + 2).trimStart() : line;
	const end = text.indexOf("+0x");
	if (end <= 0 || end > MAX_SYMBOL || !/^[A-Za-z_][\w.$]*$/.test(text.slice(0, end))) return undefined;
	return functionName(text);
}
