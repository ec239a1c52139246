/* What a monitor's process has inherited from whoever started it, of containers and of plain processes alike. */
#ifndef WARDEN_MONITOR_INHERITED_H
#define WARDEN_MONITOR_INHERITED_H

/* Nothing of what we were started with may change how a container works: signals are as they are at first, and the mask of files is empty. */
void inherited_normalise(void);
/* Each running job holds five to seven descriptors. After wshd was started: jobs keep the limit that the daemon was started with. */
void inherited_raise_descriptor_limit(void);

#endif
