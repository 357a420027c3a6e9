/*
 * Tree Handles (BADGE_TREE in abi/file.h): by them programs ask the server of "/" for what is at a path without going by root. A role gets one if the policy
 * lets it do everything there; what a narrower rule or another mount says something about is excluded. They are made anew when something more is excluded, and when
 * that server is started again.
 */
#ifndef ROOT_TREE_H
#define ROOT_TREE_H

#include "root/root.h"

/* Once the services have their mounts. */
void trees_begin(void);
/* Something is mounted there. */
void trees_exclude(const char *path);
/* Makes them and gives every process its own. */
void trees_renew(void);
/* Into the process's slot; takes it away if the process may not have one. */
void tree_fill(const struct process *process);
/* As process_info says it. */
u32 tree_excluded(const struct process *process);

#endif
